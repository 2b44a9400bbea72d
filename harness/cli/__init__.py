"""The command `harness`: a group whose sub-commands are imported when they run, so that --help loads click alone."""

from __future__ import annotations

import errno
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from harness import __version__

if TYPE_CHECKING:
    from harness.plugins import Registry

# name -> where it is, and its line in --help (kept here so that --help imports nothing else)
COMMANDS = {
    "run": ("harness.cli.run:run", "Run an experiment and write its leaderboard."),
    "plan": ("harness.cli.plan:plan", "Show what would run and what is stored already."),
    "label": ("harness.cli.label:label", "Label faces, images or videos of your own; labels alone."),
    "labels": ("harness.cli.labels:labels", "Look at labels: outcomes, agreement, replies."),
    "annotate": ("harness.cli.annotate:annotate", "Label a new video with a finished run."),
    "report": ("harness.cli.report_page:report", "Write a page about a finished run."),
    "export": ("harness.cli.export:export", "Write and check the challenge's submission file."),
    "plugins": ("harness.cli.plugins:plugins", "List the installed components; show one's options."),
    "data": ("harness.cli.data:data", "List the data sets; check that one is whole."),
    "compare": ("harness.cli.compare:compare", "Compare systems of runs, in pairs, on the same clips."),
    "leaderboard": ("harness.cli.leaderboard:leaderboard", "Build, show, check and add to leaderboards."),
    "store": ("harness.cli.store:store", "Look after stored artifacts and replies."),
}
INTERRUPTED = 130  # what a shell reports for a command ended by Ctrl-C
PARTIAL = 3  # a part is done and kept; the same command, or a raised cap, goes on
BAD = 2


class Session:
    """What the global options decided; the click context's `obj`, which every command receives (`click.pass_obj`)."""

    def __init__(self, *, third_party: bool = True, blocked: tuple[str, ...] = ()) -> None:
        self.third_party = third_party
        self.blocked = blocked
        self._registry: Registry | None = None

    def registry(self) -> Registry:
        """The components at hand, found once."""
        if self._registry is None:
            from harness.plugins import Registry

            self._registry = Registry.discover(third_party=self.third_party, blocked=self.blocked)
            for name in self._registry.unused_blocks:
                click.echo(f"note: --block {name} leaves out nothing, no plugin of that name is installed", err=True)
        return self._registry


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and the one place where errors become exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted; the same command goes on from what is stored", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from harness.errors import HarnessError, Interrupted, PartialResult, one_line

            if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
                # a name is looked for as a file too, and the system refuses to look for this one
                error = HarnessError(f"{str(error.filename)[:40]!r}... is too long for a name of a file")
            if not isinstance(error, HarnessError):
                raise
            status, word = BAD, "error"
            if isinstance(error, Interrupted):
                status, word = INTERRUPTED, "interrupted"
            elif isinstance(error, PartialResult):
                status, word = PARTIAL, "partial"
            click.echo(f"{word}: {one_line(str(error))}", err=True)  # it may quote a record or a file, anybody's
            raise click.exceptions.Exit(status) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="harness")
@click.option("--no-third-party", is_flag=True, help="Use built-in components only.")
@click.option(
    "--block", "blocked", multiple=True, metavar="NAME", help="Leave out a plugin or distribution; repeatable."
)
@click.pass_context
def main(ctx: click.Context, no_third_party: bool, blocked: tuple[str, ...]) -> None:
    """Label faces with vision-language models, train small networks on the labels, and rank what comes out."""
    ctx.obj = Session(third_party=not no_third_party, blocked=blocked)
