"""``osteon`` and ``python -m osteon``: run the command line, turn errors into exit codes."""

from __future__ import annotations

import sys

from osteon.errors import Interrupted, OsteonError

OUT_OF_MEMORY = "Out of memory. Use a smaller --set batch_size or --set pixels.size_px."


def main() -> None:
    from osteon.cli import app

    try:
        app()
    except OsteonError as error:
        fail(str(error), error.exit_code)
    except SystemExit as ended:
        stopped = Interrupted.exit_code  # what the command line makes of Ctrl-C, without a word
        if ended.code != stopped:
            raise
        fail("Stopped. Nothing already written is lost; run the same command again.", stopped)
    except MemoryError:
        fail(OUT_OF_MEMORY, 4)
    except RuntimeError as error:
        if not _is_lack_of_memory(error):
            raise
        fail(OUT_OF_MEMORY, 4)


def _is_lack_of_memory(error: RuntimeError) -> bool:
    """Torch has an error of its own on a GPU, and none but words on a CPU."""
    torch = sys.modules.get("torch")
    on_gpu = torch is not None and isinstance(error, torch.OutOfMemoryError)
    return on_gpu or "can't allocate memory" in str(error)


def fail(message: str, code: int) -> None:
    """Say what went wrong: one paragraph on standard error; as JSON too where JSON was asked."""
    if "--json" in sys.argv:
        import json

        print(json.dumps({"error": message, "exit_code": code}))
    print(f"osteon: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
