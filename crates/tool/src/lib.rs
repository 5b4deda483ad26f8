//! What every program needs: parameter files, environment, error reports, exit codes, logging.
