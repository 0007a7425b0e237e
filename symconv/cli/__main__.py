"""``python -m symconv.cli``."""

from symconv.cli import main

if __name__ == "__main__":
    main()
