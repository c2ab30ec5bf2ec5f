"""Sets up the project's folder: `uv`, the environment `.venv`, libraries of the system, the Temporal binary.

Runs on the machine's own python3 (>= 3.11) with nothing installed. Every step says what it does and is skipped when it
is done. Writes into this folder and the user's cache only; packages of the system come from apt, without a password.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
UV_VERSION = "0.13.9"
UV_HOME = ROOT / ".uv"
PYTHON = ROOT / ".venv" / "bin" / "python"

LIBRARIES = {  # loaded by WeasyPrint, which renders invoices -> the Debian package that has it
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}
FONTS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
FONTS_PACKAGE = "fonts-dejavu-core"


def say(step: str, text: str) -> None:
    print(f"[{step}] {text}", flush=True)


def run(*command: str) -> bool:
    """Whether the command succeeded; its output goes to the terminal."""
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def succeeds(*command: str | Path) -> bool:
    """Whether the command succeeds; its output is not of interest."""
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 0


def root_command() -> list[str] | None:
    """What to write before a command so that it runs as root without a password; None where there is no way."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and succeeds("sudo", "-n", "true"):
        return ["sudo", "-n"]
    return None


def apt_install(packages: list[str]) -> bool:
    """Install Debian packages where that is possible without asking; False where it is not or fails."""
    prefix = root_command()
    if prefix is None or shutil.which("apt-get") is None:
        return False
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=60"]
    install = [*apt, "install", "-y", "--no-install-recommends", *packages]
    return run(*install) or (run(*apt, "update") and run(*install))


def uv_candidates() -> list[Path]:
    on_path = shutil.which("uv")
    return [UV_HOME / "bin" / "uv", *([Path(on_path)] if on_path else []), Path.home() / ".local" / "bin" / "uv"]


def find_uv() -> Path | None:
    for uv in uv_candidates():
        if uv.exists() and succeeds(uv, "--version"):
            return uv
    return None


def install_uv() -> Path:
    """`uv` from the package index by pip, in an environment of its own: Debian's Python refuses others' packages."""
    package = f"uv=={UV_VERSION}"

    def install() -> bool:
        return run(str(UV_HOME / "bin" / "python"), "-m", "pip", "install", "--quiet", package)

    def by_venv() -> bool:
        return (
            succeeds(sys.executable, "-c", "import ensurepip; ensurepip.version")
            and run(sys.executable, "-m", "venv", str(UV_HOME))
            and install()
        )

    def by_pip_of_the_system() -> bool:
        if not succeeds(sys.executable, "-m", "pip", "--version"):
            return False
        say("uv", "no ensurepip here: installing with the system's pip")
        return run(sys.executable, "-m", "pip", "install", "--quiet", "--target", str(UV_HOME), package)

    def by_apt() -> bool:
        say("uv", "neither ensurepip nor pip here: installing Debian's python3-venv")
        return apt_install(["python3-venv"]) and by_venv()

    for way in (by_venv, by_pip_of_the_system, by_apt):
        shutil.rmtree(UV_HOME, ignore_errors=True)
        if way() and (uv := find_uv()):
            return uv
    raise SystemExit(
        "[uv] cannot be installed: this Python can make no environment. Type one of these, then the same again:\n"
        "    sudo apt-get install -y python3-venv\n"
        "    curl -LsSf https://astral.sh/uv/install.sh | sh"
    )


def sync(uv: Path) -> None:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_PROJECT_ENVIRONMENT": str(ROOT / ".venv")}
    environment.pop("VIRTUAL_ENV", None)
    python = [] if PYTHON.exists() else ["--python", sys.executable]
    command = [str(uv), "sync", "--frozen", *python]
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
        raise SystemExit(
            f"[environment] failed: {shlex.join(command)}\n    The reason stands above; the index must be reachable."
        )


def missing_packages() -> list[str]:
    missing = []
    for library, package in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    folders = [Path(folder).expanduser() for folder in FONTS]
    if not any(next(folder.rglob("*.[to]tf"), None) for folder in folders if folder.is_dir()):
        missing.append(FONTS_PACKAGE)
    return missing


def libraries() -> None:
    missing = missing_packages()
    if not missing:
        say("libraries", "Pango, HarfBuzz and fonts are here")
        return
    say("libraries", f"installing {' '.join(missing)} (they render invoices as PDF)")
    if not apt_install(missing):
        say("libraries", "could not. Everything but PDF works without; to have them, type:")
        print(f"    sudo apt-get install -y --no-install-recommends {' '.join(missing)}", flush=True)


def trust_the_machine() -> None:
    """Let uv trust whom the machine trusts (a company's proxy may be among them), where it says whom that is."""
    if Path("/etc/ssl/certs/ca-certificates.crt").exists() and "SSL_CERT_FILE" not in os.environ:
        os.environ.setdefault("UV_SYSTEM_CERTS", "1")


def main() -> None:
    if sys.version_info < (3, 11):
        raise SystemExit(f"Python 3.11 or newer is needed, python3 is {sys.version.split()[0]}")
    trust_the_machine()
    uv = find_uv()
    if uv is None:
        say("uv", f"installing {UV_VERSION} into {UV_HOME.name}/")
        uv = install_uv()
    say("uv", str(uv))
    os.environ["PATH"] = f"{uv.parent}{os.pathsep}{os.environ['PATH']}"  # the Temporal binary may need it too
    say("environment", "syncing .venv with uv.lock")
    sync(uv)
    libraries()
    found = subprocess.run([PYTHON, "-m", "cli.embedded.temporal_binary"], cwd=ROOT, check=False)
    if found.returncode != 0:
        raise SystemExit(found.returncode)


if __name__ == "__main__":
    main()
