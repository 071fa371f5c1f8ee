"""What the site is made of beside advconv: packages of npm and wheels, by version and SHA-256."""

from typing import NamedTuple

PYTHON = "3.14"
"""Of Pyodide; the wheels are those for it."""

PLATFORMS = ("pyemscripten_2026_0_wasm32", "manylinux2014_x86_64")
"""Of compiled wheels. PyYAML has none for the browser: its modules in Python are taken from another one."""


class Part(NamedTuple):
    """A package and the name of its file, which `npm pack` or `pip download` writes."""

    name: str
    version: str
    file: str
    sha256: str

    @property
    def is_wheel(self) -> bool:
        return self.file.endswith(".whl")


def _npm(name: str, version: str, sha256: str) -> Part:
    return Part(name, version, f"{name.removeprefix('@').replace('/', '-')}-{version}.tgz", sha256)


def _wheel(name: str, version: str, sha256: str, tag: str = "py3-none-any") -> Part:
    return Part(name, version, f"{name.lower().replace('-', '_')}-{version}-{tag}.whl", sha256)


PYODIDE = _npm("pyodide", "314.0.7", "66b7949e5a0cba2250b586d7e368bf12fb482800748d182c4618254b685ffaa0")

EDITOR = (
    _npm("@codemirror/commands", "6.11.1", "f477f46d8c00278e1b387baebd53bd6556fd5f3c7401ebe2a05543600fcbff0f"),
    _npm("@codemirror/lang-yaml", "6.1.3", "1ca03b21045ffbc35146ab068ca5c79b78da9197bdbfaa432718786563ac0712"),
    _npm("@codemirror/language", "6.13.1", "e711ec28da046f6c163e777c5466d8ac805ee9ef5f51c511e8729c6789be7f83"),
    _npm("@codemirror/lint", "6.9.8", "637290fb6a6633a1a08f44c721afb75e0387d86c9b7c42d723a00a974811aae8"),
    _npm("@codemirror/state", "6.7.6", "91d75acc955ceeaf86af9396c11cda7694fe6222aac8427fa033d89eff5ac839"),
    _npm("@codemirror/streamparser", "6.0.0", "b4888c5ab40350e7a1747d765948a8fa45cfd127c479dd4cdef8097046efe14a"),
    _npm("@codemirror/view", "6.43.15", "f0d5921406f841d211fa0887aabf10626c47676bfc63a4abed2a4d207e27c5ac"),
    _npm("@lezer/common", "1.5.5", "ed93cee36403124f51eae638b8a032d6694914c19704de7610db7f2a9441c963"),
    _npm("@lezer/highlight", "1.2.5", "e349eec1ff4382439c1e6286ae937e0203a8349c5192e2e133863391775ac7ff"),
    _npm("@lezer/lr", "1.4.12", "64382ee7f144221e4c655f2034393c6be9cecaf5ea2ec1c1edeb99424defb272"),
    _npm("@lezer/yaml", "1.0.4", "6423ff4510ce7e573b5666b0025be6516709e6285ee07d781dffc3218093b009"),
    _npm("@marijn/find-cluster-break", "1.0.4", "5d12b770b64d46632c84fcd18e1d4c09f195ed0f5dbc71f94a41f0af333eaeae"),
    _npm("crelt", "1.0.7", "3542299c0278fdc26aceb2b13d31bffbcb89d7367706bbc457130e3fd103c03e"),
    _npm("style-mod", "4.1.4", "769073434ab698eb035cbaa9df5d028231c25d95bc7b8676a46d603fb2e89e39"),
    _npm("w3c-keyname", "2.2.8", "05d21484026d1f2dd842c843181e391e66d60f1d5dff292d562c3f40302dab36"),
)

WHEELS = (
    _wheel("annotated-types", "0.8.0", "f072f4d804ea359e4eaf198b1af7a8b0943881a87f31bb764f8bf219bb9419e0"),
    _wheel("pydantic", "2.14.3", "3f7b347782ab7e4cf4c798496ae3a82787d9f21ec12676a9c564355eeef8daa8"),
    _wheel(
        "pydantic-core",
        "2.50.4",
        "e6da138a1ecc1341c8b788a5ee822670b03788e1f5decf7af9d461de6e508b8e",
        "cp314-cp314-pyemscripten_2026_0_wasm32",
    ),
    _wheel(
        "PyYAML",
        "6.0.3",
        "c458b6d084f9b935061bc36216e8a69a7e293a2f1e68bf956dcd9e6cbcd143f5",
        "cp314-cp314-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64",
    ),
    _wheel("tabulate", "0.10.0", "f0b0622e567335c8fabaaa659f1b33bcb6ddfe2e496071b743aa113f8774f2d3"),
    _wheel("typing-extensions", "4.16.0", "481caa481374e813c1b176ada14e97f1f67a4539ce9cfeb3f350d78d6370c2e8"),
    _wheel("typing-inspection", "0.4.5", "bc210535442b39e1bf2805e0c7a17dfd6a4ace760c84c7f7d16245d23a6b1c39"),
)

PARTS = (PYODIDE, *EDITOR, *WHEELS)
