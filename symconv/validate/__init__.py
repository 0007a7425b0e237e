"""Translation validation: the loop nests that are compiled do what was derived, proved for all sizes."""
