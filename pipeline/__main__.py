"""`python -m pipeline …`"""

from pipeline.cli import main
from pipeline.logs import log_unhandled_errors

if __name__ == "__main__":
    log_unhandled_errors()
    raise SystemExit(main())
