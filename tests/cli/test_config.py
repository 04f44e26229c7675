"""Options from a file: read whole, checked whole, and beaten by the command line."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pylops_vmb.cli._parsing import UsageError, build, parse, raw_options, words

Run = Callable[..., tuple[int, str, str]]
PREDICT = """
gathers = "field.sgy"
weights = "net.safetensors"
out = "c.npz"
"""
INVERT = """
gathers = "field.sgy"
f0 = 15          # a whole number is a number
out = "vp.npz"
[invert]
method = "fwi"
dims = [24, 16]
spacing = [10.0, 10.0]
bands = [15, "full"]
niter = 2
smooth-start = 1.5
[predict]
device = "a fault that is not looked at"
"""


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes a file of options."""

    def write(text: str, name: str = "run.toml") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


File = Callable[..., str]


def test_values_reach_the_command_as_if_typed(file: File) -> None:
    args = parse(["invert", "--config", file(INVERT)])
    typed = parse(
        [
            "invert",
            "field.sgy",
            "--f0",
            "15",
            "--out",
            "vp.npz",
            "--method",
            "fwi",
            "--dims",
            "24",
            "16",
            "--spacing",
            "10",
            "10",
            "--bands",
            "15,full",
            "--niter",
            "2",
            "--smooth-start",
            "1.5",
        ]
    )
    settings = [
        {key: value for key, value in vars(each).items() if key not in ("argv", "started")}
        for each in (args, typed)
    ]
    for each in settings:
        del each["usage_error"], each["config"]
    assert settings[0] == settings[1]
    assert args.bands == (15.0, None)


def test_command_line_wins_over_file_and_section_over_top(file: File) -> None:
    path = file("niter = 3\ngathers = 'a.sgy'\nout = 'a.npz'\n[invert]\nniter = 4\nmethod = 'fwi'")
    assert parse(["invert", "--config", path]).niter == 4
    args = parse(["invert", "b.sgy", "--niter", "5", f"--config={path}", "--method=hybrid"])
    assert (args.niter, args.gathers, args.method) == (5, Path("b.sgy"), "hybrid")
    assert args.out == Path("a.npz")


def test_what_is_recorded_needs_no_file(file: File) -> None:
    args = parse(["invert", "b.sgy", "--origin", "-5", "0", "--config", file(INVERT), "--json"])
    assert not any("config" in word for word in args.argv)
    again = parse(args.argv)
    for name in ("gathers", "dims", "origin", "bands", "method", "json", "out", "smooth_start"):
        assert getattr(again, name) == getattr(args, name)


def test_switches_and_tables(file: File) -> None:
    path = file("quick = true\nquiet = false\n")
    args = parse(["demo", "--config", path])
    assert (args.quick, args.quiet) == (True, False)
    table = "recipe = 'tiny'\nout = 'w'\n[set]\nepochs = 2\nfreeze = 'encoder'\nsalt = {count = 3}"
    args = parse(["train", "--config", file(table)])
    assert dict(args.set) == {"epochs": 2, "freeze": "encoder", "salt.count": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nitre = 2", "'nitre' is not an option here: did you mean 'niter'?"),
        ("smoothstart = 2", "did you mean 'smooth-start'?"),
        (
            "zzz = 2",
            "'zzz' is not an option here: known are gathers, f0, shot-key, missing",
        ),
        ("config = 'a.toml'", "'config' is not an option here"),
        ("help = true", "'help' is not an option here"),
        ("niter = 0", "'niter' must be a whole number of at least 1, got '0'"),
        ("niter = 'two'", "'niter' must be a whole number of at least 1, got 'two'"),
        ("niter = true", "'niter' must be a number, a word or a list of them, got True"),
        ("f0 = 'low'", "'f0' must be a number, got 'low'"),
        ("method = 'magic'", "'method' must be one of learned, fwi, hybrid, got 'magic'"),
        ("out = 'vp.txt'", "'out' must end in .npz or .sgy or .segy, got 'vp.txt'"),
        ("dims = [1, 2, 3]", "'dims' must be 2 values, got 3"),
        ("dims = 4", "'dims' must be 2 values, got 1"),
        ("dims = {nx = 4}", "'dims' must be a number, a word or a list of them"),
        ("f0 = 2020-01-01", "'f0' must be a number, a word or a list of them"),
        ("json = 1", "'json' must be true or false, got 1"),
        ("invert = 3", "'invert' must be a table of options, got 3"),
    ],
)
def test_faults_are_named_before_anything_runs(file: File, text: str, message: str) -> None:
    argv = ["invert", "--config", file(text), "g.sgy", "--out", "v.npz", "--method", "fwi"]
    with pytest.raises(UsageError, match=r"run.toml: ") as caught:
        parse(argv)
    assert message in str(caught.value)


def test_all_faults_are_told_at_once(file: File) -> None:
    with pytest.raises(UsageError) as caught:
        parse(["invert", "--config", file("nitre = 2\nf0 = 'low'\ndims = [1]")])
    assert str(caught.value).count(";") == 2


def test_what_is_missing_is_named(file: File) -> None:
    with pytest.raises(UsageError, match=r"^--out is missing on the command line or in run.toml$"):
        parse(["predict", "g.sgy", "--config", file("f0 = 15")])
    with pytest.raises(UsageError, match=r"^GATHERS is missing"):
        parse(["predict", "--out", "v.npz", "--config", file("f0 = 15")])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("run.toml", "niter = ", "run.toml: cannot be read, got"),
        ("run.json", "{'a': 1}", "run.json: cannot be read"),
        ("run.json", "[" * 100_000, "run.json: cannot be read"),
        ("run.json", "[1, 2]", "run.json: must hold a table of options, got list"),
        ("run.ini", "a = 1", "run.ini: must end in .toml, .yaml, .yml, .json, got '.ini'"),
    ],
)
def test_unreadable_files_are_failures(
    cli: Run, file: File, name: str, text: str, message: str
) -> None:
    code, out, err = cli("predict", "--config", file(text, name))
    assert (code, out) == (1, "")
    assert message in err


def test_missing_and_huge_files(cli: Run, file: File, tmp_path: Path) -> None:
    assert "none.toml: is not a file" in cli("info", "--config", "none.toml")[2]
    with open(tmp_path / "huge.toml", "wb") as huge:
        huge.truncate(2**30)
    code, _, err = cli("info", "--config", str(tmp_path / "huge.toml"))
    assert code == 1
    assert "is too large for options" in err
    code, _, err = cli("info", "true.npz", "--config")
    assert code == 2
    assert "expected one argument" in err


def test_wrong_file_is_exit_code_2_with_usage(cli: Run, room: Path, file: File) -> None:
    code, out, err = cli("predict", "--config", file(PREDICT + "nitre = 3"), "--quiet")
    assert (code, out) == (2, "")
    assert err.startswith("usage: pylops-vmb predict")
    assert "error: run.toml: 'nitre' is not an option here" in err
    assert not (room / "c.npz").exists()


def test_options_that_do_not_go_together_are_told_even_if_quiet(cli: Run) -> None:
    code, out, err = cli("invert", "field.sgy", "--method", "fwi", "--out", "v.npz", "--quiet")
    assert (code, out) == (2, "")
    assert "--method fwi needs a grid" in err


def test_run_from_a_file(cli: Run, room: Path, file: File) -> None:
    code, out, _ = cli("predict", "--config", file(PREDICT), "--json")
    assert code == 0
    report = json.loads(out)
    assert report["command"][1:3] == ["predict", "field.sgy"]
    assert (room / "c.npz").exists()


def test_yaml_without_pyyaml_says_what_to_install(
    cli: Run, file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    code, _, err = cli("predict", "--config", file("f0: 15", "run.yaml"))
    assert code == 1
    assert "reading YAML: needs the optional package yaml" in err
    assert "pip install 'pylops-vmb[yaml]'" in err


def test_yaml(file: File, cli: Run) -> None:
    pytest.importorskip("yaml", reason="needs PyYAML")
    text = "out: vp.npz\ninvert:\n  method: fwi\n  dims: [24, 16]\n  niter: 2\n  tv: null\n"
    args = parse(["invert", "g.sgy", "--config", file(text, "run.yaml")])
    assert (args.dims, args.niter, args.tv) == ([24, 16], 2, None)
    code, _, err = cli("info", "--config", file("a: !!python/object/apply:os.getcwd []", "x.yml"))
    assert code == 1
    assert "x.yml: cannot be read" in err


def test_report_as_file_runs_the_command_with_changes(cli: Run, room: Path) -> None:
    cli("predict", "field.sgy", "--weights", "net.safetensors", "--out", "first.npz")
    code, _, err = cli("predict", "--config", "first.npz.report.json", "--out", "second.npz")
    assert code == 0
    assert "warning" not in err
    assert (room / "second.npz").read_bytes() == (room / "first.npz").read_bytes()
    assert json.loads((room / "second.npz.report.json").read_text())["command"][1:] == [
        "predict", "field.sgy", "--weights=net.safetensors", "--out=second.npz"
    ]  # fmt: skip
    code, _, err = cli("simulate", "--config", "first.npz.report.json")
    assert code == 2
    assert "is the report of `predict`, not of this command" in err


def test_changed_input_of_a_report_is_warned_of(cli: Run, room: Path) -> None:
    (room / "copy.sgy").write_bytes((room / "field.sgy").read_bytes())
    cli("predict", "copy.sgy", "--weights", "net.safetensors", "--out", "first.npz")
    (room / "copy.sgy").write_bytes((room / "field.sgy").read_bytes() + bytes(240 + 4 * 160))
    _, _, err = cli("info", "--config", "first.npz.report.json")
    assert "is the report of `predict`" in err
    _, _, err = cli("predict", "--config", "first.npz.report.json", "--quiet")
    assert "warning: first.npz.report.json: copy.sgy has changed, SHA-256 " in err


@pytest.mark.parametrize(
    "line",
    [
        "simulate openfwi:3 --out g.sgy --seed -4 --out-model m.npz",
        "invert g.sgy --method fwi --out v.npz --origin -5 -1 --dims 3 4 --bands 4,full --quiet",
        "train tiny --out w --set epochs=2 salt.freeze=encoder --yes --workers 2",
        "finetune --data d --out w --freeze encoder last",
        "demo",
    ],
)
def test_words_are_the_inverse_of_raw_options(line: str) -> None:
    argv = line.split()
    _, command = build(argv)
    assert command is not None
    raw = raw_options(argv)
    again = [argv[0], *words(command, raw)]
    assert raw_options(again) == raw
    first, second = (vars(build(each)[0].parse_args(each)) for each in (argv, again))
    for each in (first, second):
        del each["usage_error"], each["started"]
    assert first == second
