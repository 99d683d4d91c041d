"""The paper's seven claims: `python -m tests.benchmarks.claims NUMBER --out FOLDER`.

    python -m tests.benchmarks.claims 3 --out FOLDER [--prompts 40] [--seeds 0-3] [--resume | --rows docs/rows/claim-3.zip]
        [--write docs/evidence.md]

FOLDER takes the rows as they are measured, and at the end `claim-3.md`, `claim-3.json`, `claim-3.png` and sheets of pictures,
such as `claim-3-ways.png`. With --resume the rows that are there are not measured again; more prompts and seeds may then be
asked for (of claim 7, which runs `ablate`, the same). --write puts table, verdict, plot and sheets into a page, between the
claim's markers, and the rows of claims 1 to 6 with their pictures into an archive beside it, with which --rows begins. The rule
of each verdict is in the code of the claim and on that page before anything is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from fusedream_sdk.cli.numbers import integers
from fusedream_sdk.errors import FuseDreamError
from fusedream_sdk.runtime.files import atomic_path
from tests.benchmarks.claims import archive, attacks, composition, figures, optimisers, page, smoothness, starts
from tests.benchmarks.claims.frame import Asked
from tests.benchmarks.claims.verdict import Claim, Outcome
from tests.benchmarks.judging import machine

CLAIMS: dict[int, tuple[Claim, Callable[[Asked], Outcome]]] = {
    1: (attacks.FIRST, attacks.first),
    2: (attacks.SECOND, attacks.second),
    3: (starts.CLAIM, starts.starts),
    4: (optimisers.CLAIM, optimisers.optimisers),
    5: (composition.CLAIM, composition.composition),
    6: (figures.CLAIM, figures.figures),
    7: (smoothness.CLAIM, smoothness.smoothness),
}
NOT_PACKED = {smoothness.CLAIM.number}  # what `ablate` keeps, with latents and courses, has ten times the bytes of other rows


def seeds_of(text: str) -> tuple[int, ...]:
    """ "0-3" or "0,2" as numbers, each once."""
    found: dict[int, None] = {}
    for part in text.split(","):
        first, last = integers(part)
        if first > last:
            raise argparse.ArgumentTypeError(f"expected seeds as 0,1 or 0-3, got {text!r}")
        found |= dict.fromkeys(range(first, last + 1))
    return tuple(found)


def at_least(least: int) -> Callable[[str], int]:
    """What reads an integer that is not below another."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected an integer of at least {least}, got {text!r}")
        return int(text)

    return read


def parser() -> argparse.ArgumentParser:
    """Of the command."""
    made = argparse.ArgumentParser(
        "python -m tests.benchmarks.claims", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("claim", type=int, choices=CLAIMS, help="its number")
    made.add_argument("--out", type=Path, required=True, help="folder of rows, table and plot")
    made.add_argument("--prompts", type=at_least(2), default=40, help="or pairs of things, or captions")
    made.add_argument("--seeds", type=seeds_of, default=(0,), help="such as 0,1 or 0-3")
    made.add_argument("--steps", type=at_least(1), help="of every run; by default what the models recommend")
    made.add_argument("--device", default="cpu", help="of claims 3, 5, 6 and 7, such as cuda; the others run on the CPU")
    made.add_argument("--together", type=at_least(1), help="prompts that are drawn at once in claims 3, 5 and 6, for a GPU")
    made.add_argument("--weighed", type=at_least(2), help="prompts of claim 5 drawn by all six ways, the others by two")
    made.add_argument("--generations", type=at_least(2), default=4, help="of BasinCMA in claim 4")
    made.add_argument("--lr", type=float, default=0.05, help="of Adam inside BasinCMA in claim 4")
    made.add_argument("--resume", action="store_true", help="go on with what is in the folder")
    made.add_argument("--rows", type=Path, metavar="ARCHIVE", help="begin with its rows, such as docs/rows/claim-3.zip")
    made.add_argument("--write", type=Path, metavar="PAGE", help="put the outcome into this page, such as docs/evidence.md")
    return made


def run(args: argparse.Namespace) -> Outcome:
    """Measure a claim, and write what was found into the folder, and into the page that was asked for."""
    claim, measure = CLAIMS[args.claim]
    if args.write is not None:
        page.between(page.read(args.write), claim.number)  # before hours of work
    settings = {} if args.steps is None else {"steps": args.steps}
    options = {"generations": args.generations, "lr": args.lr} if claim.number == optimisers.CLAIM.number else {}
    asked = Asked(args.out, args.prompts, args.seeds, settings, options, args.device, args.together, args.weighed)
    if args.rows is not None:
        archive.unpack(args.rows, args.out)
    asked.open(claim.number, resume=args.resume or args.rows is not None)
    found = measure(asked)
    stem = args.out / f"claim-{claim.number}"
    with atomic_path(stem.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(found.to_json(), indent=1) + "\n", encoding="utf-8")
    with atomic_path(stem.with_suffix(".md")) as temporary:
        temporary.write_text(found.to_markdown() + "\n", encoding="utf-8")
    page.drawn(found, args.out)
    if args.write is not None:
        if claim.number not in NOT_PACKED:
            archive.pack(args.out, archive.beside(args.write, claim.number))
        page.write(args.write, found, made_by(args))
    return found


def made_by(args: argparse.Namespace) -> str:
    """What a page says of where its figures come from: what was asked for, without folders, and the machine."""
    asked = ["--prompts", str(args.prompts), "--seeds", ",".join(map(str, args.seeds))]
    asked += [] if args.steps is None else ["--steps", str(args.steps)]
    asked += ["--generations", str(args.generations), "--lr", f"{args.lr:g}"] if args.claim == optimisers.CLAIM.number else []
    asked += [] if args.weighed is None else ["--weighed", str(args.weighed)]
    asked += [] if args.device == "cpu" else ["--device", args.device]
    return f"`claims {args.claim} {' '.join(asked)}`; {machine(args.device)}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 2 where what was asked for cannot be, 130 after Ctrl-C, with what is done kept."""
    args = parser().parse_args(argv)
    try:
        print(run(args).to_markdown())
    except FuseDreamError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"Stopped. Go on by --resume: {args.out}", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
