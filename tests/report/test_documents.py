"""What README and docs show works: code runs, commands parse, links and equation numbers lead somewhere."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(document, language):
    return re.findall(rf"```{language}\n(.*?)```", document.read_text(encoding="utf-8"), flags=re.DOTALL)


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def anchors(document):
    """Anchors of the headings, as they are made on the usual hosts."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


WITH_CODE = [document for document in DOCUMENTS if blocks(document, "python")]


@pytest.mark.parametrize("document", WITH_CODE, ids=names(WITH_CODE))
def test_python_of_a_document_runs(document, tmp_path):
    code = "\n".join(blocks(document, "python"))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr


def commands():
    for document in DOCUMENTS:
        for block in blocks(document, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["genmlip"]:
                    yield pytest.param(words[1:], id=" ".join(words))


@pytest.mark.parametrize("words", list(commands()))
def test_command_of_a_document_is_one_that_genmlip_understands(words):
    import typer

    from genmlip.cli.app import app

    group = typer.main.get_command(app)
    context = group.make_context("genmlip", list(words), resilient_parsing=True)
    name, command, rest = group.resolve_command(context, list(words))
    command.make_context(name, rest, parent=context)  # raises for an unknown option or a missing argument


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_links_inside_the_project_lead_somewhere(document):
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for target in targets:
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        other = (document.parent / file).resolve() if file else document
        assert other.exists(), f"{target} does not exist"
        if anchor:
            assert anchor in anchors(other), f"{target}: no such heading"


def test_equations_that_the_code_cites_exist():
    theory = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
    numbered = set(re.findall(r"\((\d+)\)(?: *\n|$)", theory))
    assert {str(k) for k in range(1, 1 + max(map(int, numbered)))} == numbered
    cited = {
        number
        for path in (ROOT / "genmlip").rglob("*.py")
        for number in re.findall(r"theory\.md, \((\d+)\)", path.read_text(encoding="utf-8"))
    }
    assert cited
    assert cited <= numbered


def test_code_in_the_text_names_things_that_exist():
    columns = re.findall(
        r"^\| `(\w+)`", (ROOT / "docs" / "theory.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    source = (ROOT / "genmlip" / "theory" / "assessment.py").read_text(encoding="utf-8")
    assert len(columns) > 6
    assert all(f'"{name}"' in source for name in columns)


def test_reference_of_the_command_line_names_every_command_and_option():
    import typer

    from genmlip.cli.app import app

    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## genmlip (\w+)\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL))
    group = typer.main.get_command(app)
    assert set(sections) == set(group.commands)
    for name, command in group.commands.items():
        options = {
            option
            for parameter in command.params
            if not getattr(parameter, "hidden", False)
            for option in parameter.opts
            if option.startswith("--") and option != "--help"
        }
        mentioned = set(re.findall(r"--[a-z-]+", sections[name]))
        assert mentioned == options, name
