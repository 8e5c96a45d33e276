"""`python -m pipeline …`"""

from pipeline.beginning import made_to_last

if __name__ == "__main__":
    with made_to_last():
        from pipeline.cli import main
        from pipeline.logs import log_unhandled_errors
    log_unhandled_errors()
    raise SystemExit(main())
