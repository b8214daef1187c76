"""The command line against the running system, as an operator uses it."""

import subprocess
import sys

from tests.stack.home import StackError
from tests.stack.process import clean_environment
from tests.support.checkout import CHECKOUT
from tests.support.system import System


def medulla(system: System, *arguments: str) -> str:
    """What a command prints.

    Raises:
        StackError: it failed; what it says is in the sentence.
    """
    command = [sys.executable, "-m", "services.standalone", *arguments]
    environment = clean_environment(**system.surroundings.environment)
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"medulla {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
