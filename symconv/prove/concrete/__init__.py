"""A claim and the definition on concrete numbers: code of their own, that decides nothing by relations."""
