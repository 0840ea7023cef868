"""The repository keeps to its own picture: imports go one way, files stay short, nothing built is committed."""

import json
import re
import subprocess

import pytest
from support import ROOT

ARCHITECTURE = ROOT / "docs/architecture.md"
SOURCES = ROOT / "Sources"
LONGEST = 400

# Modules from outside the package, and who may import them. Foundation may nobody.
EXTERNAL = {
    "ArgumentParser": {"Serving", "convcheck", "echo"},
    "DequeModule": {"Server"},
    "Logging": {"Server", "Serving"},
}
SYSTEM = {"Glibc", "Synchronization"}
WITHOUT_SYSTEM = {"Convolution", "Service"}

IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+"
    r"(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)"
)


def allowed_dependencies():
    """The table under `## Modules`: rows of | `Module` | what it does | `Module`, `Module` or – |."""
    section = re.search(r"^## Modules$(.*?)(?=^## |\Z)", ARCHITECTURE.read_text(), re.M | re.S)
    assert section, "docs/architecture.md has no section `## Modules`"
    table = {}
    for row in re.findall(r"^\|(.*)\|$", section[1], re.M):
        cells = [cell.strip() for cell in row.split("|")]
        name = re.fullmatch(r"`(\w+)`", cells[0])
        if name:
            table[name[1]] = set(re.findall(r"`(\w+)`", cells[-1]))
            assert table[name[1]] or cells[-1] == "–", f"the row of {name[1]} names no module and has no –"
    return table


def test_the_table_names_every_module():
    assert set(allowed_dependencies()) == {folder.name for folder in SOURCES.iterdir() if folder.is_dir()}


def test_the_modules_have_no_cycle():
    table = allowed_dependencies()
    done = set()
    while rest := set(table) - done:
        free = {module for module in rest if table[module] <= done}
        assert free, f"these depend on each other: {sorted(rest)}"
        done |= free


def test_the_package_declares_what_the_table_allows():
    dump = subprocess.run(["swift", "package", "dump-package"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert dump.returncode == 0, dump.stderr
    table = allowed_dependencies()
    wrong = []
    for target in json.loads(dump.stdout)["targets"]:
        if target["type"] == "test" or target["name"] not in table:
            continue
        for dependency in target["dependencies"]:
            name = next(iter(dependency.values()))[0]
            if name not in table[target["name"]] and target["name"] not in EXTERNAL.get(name, ()):
                wrong.append(f"{target['name']} → {name}")
    assert wrong == []


def may_import(module, imported, table):
    if imported in table:
        return imported in table[module]
    if imported in SYSTEM:
        return module not in WITHOUT_SYSTEM or imported != "Glibc"
    return module in EXTERNAL.get(imported, ())


def test_every_import_is_allowed():
    table = allowed_dependencies()
    wrong = []
    for file in sorted(SOURCES.rglob("*.swift")):
        module = file.relative_to(SOURCES).parts[0]
        for number, line in enumerate(file.read_text().splitlines(), 1):
            found = IMPORT.match(line)
            if found and not may_import(module, found[1], table):
                wrong.append(f"{file.relative_to(ROOT)}:{number}: {module} may not import {found[1]}")
    assert wrong == []


@pytest.mark.parametrize(
    "line, module",
    [
        ("import HTTP", "HTTP"),
        ("public import HTTP", "HTTP"),
        ("  @_spi(Testing) package import struct HTTP.Request", "HTTP"),
        ("@preconcurrency @testable import Foundation", "Foundation"),
        ("internal import func Glibc.read", "Glibc"),
        ("// import HTTP", None),
        ("important()", None),
    ],
)
def test_imports_are_recognised_in_every_spelling(line, module):
    found = IMPORT.match(line)
    assert (found and found[1]) == module


def test_long_files_say_why():
    wrong = []
    for file in sorted(path for path in SOURCES.rglob("*") if path.suffix in {".swift", ".c", ".h"}):
        lines = file.read_text().splitlines()
        if len(lines) > LONGEST and not any(line.strip().startswith("// Long because ") for line in lines[:30]):
            wrong.append(f"{file.relative_to(ROOT)}: {len(lines)} lines")
    assert wrong == []


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=30)
    if listed.returncode != 0:
        pytest.skip("not a git work tree")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def test_sources_have_no_tabs():
    wrong = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in tracked()
        if file.suffix in {".swift", ".c", ".h", ".py", ".yaml", ".md"}
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if "\t" in line
    ]
    assert wrong == []


def test_nothing_built_is_committed():
    built = re.compile(r"(^|/)(\.build|__pycache__|\.pytest_cache|\.swiftpm|venv)(/|$)|\.(o|a|so|pyc|swiftmodule)$")
    assert [str(file) for file in tracked() if built.search(str(file.relative_to(ROOT)))] == []


def test_the_licence_is_apache_2():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text and "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
