"""The text of words that are made of other words: classes are the libraries, ``own`` what definitions share."""
