"""What is refused before any work is done: outputs, reports and engines that cannot be."""

from pathlib import Path

import click

from handgrad.atomic_file import check_folder


def check_output(path: Path | None, *inputs: Path | None) -> None:
    """Refuse, before any work is done, a file that could not be written or must not be."""
    if path is None:
        return
    for given in inputs:
        if given is not None and path.exists() and given.exists() and path.samefile(given):
            raise click.UsageError(f"{str(path)!r} is read by this command; name another output")
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder; name a file to write")
    if path.exists() and not path.is_file():
        raise OSError(f"{str(path)!r} is a device or a pipe; name a file to write")
    _check_folder(path.parent)


def _check_folder(folder: Path) -> None:
    """Create a file, so that what would fail after the training fails before."""
    if not folder.is_dir():
        raise NotADirectoryError(f"there is no folder {str(folder)!r}; create it, or name another")
    try:
        check_folder(folder)
    except OSError as error:
        raise OSError(
            f"the folder {str(folder)!r} cannot be written to: {error.strerror}"
        ) from None


def check_engine(engine: str) -> None:
    """Refuse, before any work is done, an engine that is not installed."""
    from handgrad.engines.choice import AUTO, require

    if engine != AUTO:
        try:
            require(engine)
        except ImportError as error:
            raise click.UsageError(f"--engine: {error}") from None


def check_report(folder: Path | None) -> None:
    if folder is None:
        return
    from handgrad.plots import require_matplotlib

    try:
        require_matplotlib()
    except ImportError as error:
        raise click.UsageError(f"--report: {error}") from None
    # The folder itself is made when there are pictures to put into it.
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"{str(there)!r} is a file; --report needs a folder")
    _check_folder(there)
