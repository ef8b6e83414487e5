"""What a notebook's kernel gets of the environment: a closed list, and never a secret."""

import re
from collections.abc import Collection, Mapping

_ALLOWED = re.compile(
    # Where things are, and whose.
    r"PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TEMP|TMP|VIRTUAL_ENV|CONDA_PREFIX"
    r"|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|XDG_[A-Z_]+|FONTCONFIG_[A-Z]+|SSL_CERT_(FILE|DIR)"
    # Language, time and terminal.
    r"|LANG|LANGUAGE|LC_[A-Z]+|TZ|TERM|COLUMNS|LINES|NO_COLOR"
    # Python and Jupyter, but for what names a token.
    r"|PYTHON(PATH|HASHSEED|UNBUFFERED|DONTWRITEBYTECODE|WARNINGS|UTF8|IOENCODING|HOME)"
    r"|PYTHON(NOUSERSITE|SAFEPATH|PYCACHEPREFIX|FAULTHANDLER|DEVMODE)"
    r"|IPYTHONDIR|JUPYTER_(CONFIG|DATA|RUNTIME)_DIR|JUPYTER_PLATFORM_DIRS"
    # Threads and memory of numerical libraries.
    r"|(OMP|OPENBLAS|MKL|BLIS|NUMEXPR|VECLIB|GOTO|KMP|LOKY|JOBLIB)_[A-Z_]+"
    r"|MALLOC_[A-Z_]+|ARROW_[A-Z_]+|CUDA_VISIBLE_DEVICES|MPL(BACKEND|CONFIGDIR)"
    # Where a run or a person works.
    r"|LOCAL_DATA|SETTINGS_FILE|ML_PIPE_RUN_FOLDER"
    # What tests measure by.
    r"|COVERAGE_[A-Z_]+|COV_CORE_[A-Z_]+|PYTEST_CURRENT_TEST"
)
SECRETS = frozenset(
    {"ADMIN_PASSWORD", "LOG_KEY", "METRICS_PASSWORD", "PREDICT_PASSWORD", "JUPYTER_TOKEN"}
)
"""Ours: they reach no notebook, whoever asks for them."""


def kernel_environment(own: Mapping[str, str], more: Collection[str] = ()) -> dict[str, str]:
    """Return what a kernel gets of an environment.

    Args:
        own: the environment of this process.
        more: the names of variables that notebooks need besides, such as `DATABASE_URL`.
    """
    # As settings, whatever their case.
    wanted = {name.upper() for name in more}
    return {
        name: value
        for name, value in own.items()
        if (name.upper() in wanted or _ALLOWED.fullmatch(name)) and name.upper() not in SECRETS
    }
