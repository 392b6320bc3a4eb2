"""Write the potentials in ``data/yace`` and, with python-ace, their energies and forces.

Needs the extra ``peers``. Run it as ``python tests/potentials/make_yace_reference.py``. The coefficients are
random: the files try every part of the format, they are no models of anything. Bins of 0.0001 Å instead of
the usual 0.001 Å keep the error of python-ace's cubic splines small.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from ase import Atoms
from ase.build import bulk
from pyace import PyACECalculator, create_multispecies_basis_config
from pyace.basis import ACEBBasisSet, ACECTildeBasisSet
from scipy.linalg import null_space

from genmlip.potentials.ace.yace_format import read_yace
from genmlip.potentials.ace.yace_radial import polynomials as values

TARGET = Path(__file__).parent / "data" / "yace"
BIN = 0.0001
LINEAR = {"npot": "FinnisSinclairShiftedScaled", "fs_parameters": [1, 1], "ndensity": 1}


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, settings in CONFIGURATIONS.items():
        write_basis(TARGET / f"{name}.yace", settings)
    smooth_cheb_linear(TARGET / "W_cheb_linear.yace")
    write_polynomials(TARGET / "Si_ace_jl.yace")
    for path in sorted(TARGET.glob("*.yace")):
        if path.stem != "Si_ace_jl_splines":  # python-ace does not read them
            path.with_suffix(".json").write_text(json.dumps(reference(path)))
    write_splines(TARGET / "Si_ace_jl_splines.yace", TARGET / "Si_ace_jl.yace")


def bond(basis: str, parameter: float, cutoff: float, **more: Any) -> dict[str, Any]:
    return {
        "radbase": basis, "radparameters": [parameter], "rcut": cutoff, "dcut": 0.01,
        "NameOfCutoffFunction": "cos", **more,
    }  # fmt: skip


def functions(n: list[int], l: list[int]) -> dict[str, Any]:  # noqa: E741
    return {"nradmax_by_orders": n, "lmax_by_orders": l}


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "W_linear": {
        "elements": ["W"],
        "embeddings": {"ALL": LINEAR},
        "bonds": {"ALL": bond("ChebExpCos", 5.25, 5.0)},
        "functions": {"ALL": functions([5, 3, 2, 1], [0, 2, 1, 1])},
    },
    "Cu_core_by_distance": {
        "elements": ["Cu"],
        "embeddings": {
            "ALL": {
                "npot": "FinnisSinclairShiftedScaled",
                "fs_parameters": [1, 1, 1, 0.5],
                "ndensity": 2,
                "rho_core_cut": 60.0,
                "drho_core_cut": 50.0,
            }
        },
        "bonds": {
            "ALL": bond("SBessel", 1.0, 4.5, **{"r_in": 1.9, "delta_in": 0.4, "core-repulsion": [80.0, 0.7]})
        },
        "functions": {"ALL": functions([4, 2, 2], [0, 2, 1])},
    },
    "Cu_core_by_density": {
        "elements": ["Cu"],
        "embeddings": {
            "ALL": {
                "npot": "FinnisSinclair",
                "fs_parameters": [1, 1, -0.3, 0.5, 0.1, 2.0],
                "ndensity": 3,
                "rho_core_cut": 8.0,
                "drho_core_cut": 7.5,
            }
        },
        "bonds": {
            "ALL": bond(
                "ChebPow", 2.0, 4.5, **{"inner_cutoff_type": "density", "core-repulsion": [50.0, 0.8]}
            )
        },
        "functions": {"ALL": functions([4, 2, 2], [0, 1, 1])},
    },
    "AlNi": {
        "elements": ["Al", "Ni"],
        "embeddings": {
            "Al": {"npot": "FinnisSinclairShiftedScaled", "fs_parameters": [1, 1, 1, 0.5], "ndensity": 2},
            "Ni": {"npot": "FinnisSinclair", "fs_parameters": [1, 1, -0.5, 0.75], "ndensity": 2},
        },
        "bonds": {
            "Al": bond("SBessel", 1.0, 5.0),
            "Ni": bond("SBessel", 1.0, 4.2),
            "BINARY": bond(
                "SBessel", 1.0, 4.6, **{"r_in": 2.2, "delta_in": 0.3, "core-repulsion": [90.0, 0.6]}
            ),
        },
        "functions": {
            "UNARY": functions([3, 2, 1], [0, 2, 1]),
            "BINARY": functions([4, 2, 1, 1], [0, 1, 1, 0]),
        },
    },
    "AlNi_core_zbl": {
        "elements": ["Al", "Ni"],
        "embeddings": {"ALL": LINEAR},
        "bonds": {
            kind: bond(
                "SBessel",
                1.0,
                4.0,
                **{"dcut": 0.7, "r_in": r_in, "delta_in": width, "core-repulsion": [strength, 1.0]},
                inner_cutoff_type="zbl",
            )
            for kind, r_in, width, strength in (
                ("Al", 1.9, 0.5, 1.0),
                ("Ni", 1.8, 0.4, 0.9),
                ("BINARY", 2.0, 0.6, 1.1),
            )
        },
        "functions": {"ALL": functions([3, 1], [0, 1])},
    },
    "AlCuNi": {
        "elements": ["Al", "Cu", "Ni"],
        "embeddings": {"ALL": LINEAR},
        "bonds": {"ALL": bond("ChebPow", 3.0, 4.0)},
        "functions": {"ALL": functions([2, 1, 1], [0, 1, 1])},
    },
}


def write_basis(path: Path, settings: dict[str, Any]) -> None:
    """Random coefficients, those of several factors the smaller the more."""
    basis = ACEBBasisSet(create_multispecies_basis_config({"deltaSplineBins": BIN, **settings}))
    start = np.array(basis.all_coeffs)
    basis.all_coeffs = (start + 0.1 * np.random.default_rng(len(path.stem)).normal(size=len(start))).tolist()
    basis.to_ACECTildeBasisSet().save_yaml(str(path))
    content = load(path)
    content["E0"] = [-1.5 - k for k in range(len(content["elements"]))]
    for species in content["functions"].values():
        for f in species:
            f["ctildes"] = [c * 0.2 ** (f["rank"] - 1) for c in f["ctildes"]]
    dump(path, content)


def smooth_cheb_linear(path: Path) -> None:
    """ChebLinear does not vanish at the cutoff; the combinations here do, with slope and curvature."""
    write_basis(
        path,
        {
            "elements": ["W"],
            "embeddings": {"ALL": LINEAR},
            "bonds": {"ALL": bond("ChebLinear", 1.0, 5.0)},
            "functions": {"ALL": functions([6, 2, 1], [0, 2, 1])},
        },
    )
    content, rng = load(path), np.random.default_rng(5)
    k = np.arange(1, 7)
    ends = [0.5 - 0.5 * np.cos(k * np.pi / 2), k * np.sin(k * np.pi / 2), k**2 * np.cos(k * np.pi / 2)]
    smooth = null_space(np.array(ends))
    radial = content["bonds"][0, 0]
    shape = np.array(radial["radcoefficients"]).shape
    radial["radcoefficients"] = (rng.normal(size=(*shape[:2], smooth.shape[1])) @ smooth.T).tolist()
    pair = smooth @ rng.normal(size=smooth.shape[1])
    for f in content["functions"][0]:
        if f["rank"] == 1:
            f["ctildes"] = [float(pair[f["ns"][0] - 1])]
    dump(path, content)


def write_polynomials(path: Path) -> None:
    """A file as ACE.jl wrote it until 2022, with a pair potential and its repulsive core."""
    write_basis(
        path,
        {
            "elements": ["Si"],
            "embeddings": {"ALL": LINEAR},
            "bonds": {"ALL": bond("SBessel", 1.0, 5.0)},
            "functions": {"ALL": functions([4, 2, 2], [0, 2, 1])},
        },
    )
    content, r0, cutoff, p = load(path), 2.3, 5.0, 2
    content |= {"lmax": 2}
    n = np.arange(6)

    def polynomials(low: float, end_powers: tuple[int, int]) -> dict[str, Any]:
        x = [((1 + r0) / (1 + r)) ** p for r in (cutoff, low)]
        scale = 2 / (x[1] - x[0])  # Legendre polynomials on the interval
        A, C = (2 * n - 1) / np.maximum(n, 1) * scale, -(n - 1) / np.maximum(n, 1)
        B = -A * (x[0] + x[1]) / 2
        A[0], B[0], C[:2] = 1.0, 0.0, 0.0
        recursion = {"A": A.tolist(), "B": B.tolist(), "C": C.tolist()}
        return {
            "rcut": cutoff, "r0": r0, "p": p, "xl": x[0], "xr": x[1], "pl": end_powers[0],
            "pr": end_powers[1], "maxn": len(n), "recursion_coefficients": recursion,
        }  # fmt: skip

    content["bonds"] = {(0, 0): {"radbasename": "ACE.jl.Basic", **polynomials(1.2, (2, 2))}}
    content["polypairpot"] = polynomials(1.2, (3, 0))
    coefficients = np.array([1.0, -0.7, 0.3, 0.2, -0.1, 0.05])
    content["polypairpot"]["coefficients"] = {(0, 0): coefficients.tolist()}
    inner = {"ri": 1.6, "e0": 0.0, "A": 0.0, "B": 9.0}
    content["reppot"] = {"coefficients": {(0, 0): inner}}
    dump(path, content)
    value, slope = (
        coefficients @ f[:, 0] for f in values(read_yace(path).pair_basis, np.array([inner["ri"]]))
    )
    inner |= {"e0": value - inner["B"], "A": -slope * inner["ri"] / inner["B"] - 1}  # the two forms meet
    dump(path, content)


def write_splines(path: Path, polynomials: Path) -> None:
    """The same potential without its pair part as ACE.jl writes it since 2023: values and slopes at nodes."""
    content, record = load(polynomials), read_yace(polynomials).bonds[0, 0]
    nodes = np.linspace(0.0, 5.0, 201)
    nodal = {"splinenodalvals": values(record, nodes)[0], "splinenodalderivs": values(record, nodes)[1]}
    content["bonds"][0, 0] = {
        "radbasename": "ACE.jl.base", "rcut": 5.0, "nradial": 6, "nbins": 200,
        **{name: dict(enumerate(array.round(12).tolist())) for name, array in nodal.items()},
    }  # fmt: skip
    del content["polypairpot"], content["reppot"]
    dump(path, content)


def reference(path: Path) -> dict[str, Any]:
    """Configurations, their site energies and forces by both evaluators of python-ace, which must agree."""
    records = []
    for atoms in configurations(
        ACECTildeBasisSet(str(path)).elements_name, "core" in path.stem or "jl" in path.stem
    ):
        results = []
        for recursive in (False, True):
            atoms.calc = PyACECalculator(str(path), recursive_evaluator=recursive, recursive=recursive)
            atoms.get_potential_energy()
            results.append((atoms.calc.results["energies"], atoms.calc.results["forces"]))
        np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-10, atol=1e-10)
        records.append(
            {
                "numbers": atoms.numbers.tolist(),
                "positions": atoms.positions.tolist(),
                "cell": atoms.cell.tolist(),
                "pbc": atoms.pbc.tolist(),
                "energies": results[0][0].tolist(),
                "forces": results[0][1].tolist(),
            }
        )
    import pyace

    return {"python-ace": pyace.__version__, "records": records}


def configurations(elements: list[str], close: bool) -> list[Atoms]:
    """A rattled crystal and a cluster; with ``close``, atoms down to 1.3 Å apart in the latter."""
    rng = np.random.default_rng(7)
    crystal = bulk("Cu", "fcc", a=3.7, cubic=True) * (2, 2, 1)
    crystal.symbols = rng.choice(elements, len(crystal))
    crystal.rattle(0.12, seed=3)
    positions = [np.zeros(3)]
    while len(positions) < 9:
        trial = rng.uniform(-3.0, 3.0, size=3)
        if min(np.linalg.norm(trial - x) for x in positions) > (1.3 if close else 2.1):
            positions.append(trial)
    symbols = [elements[k % len(elements)] for k in range(9)]
    return [crystal, Atoms(symbols, positions, cell=[20.0, 20.0, 20.0], pbc=False)]


def load(path: Path) -> dict[str, Any]:
    """A .yace file as dicts and lists, with tuples as keys of bonds."""

    class Loader(yaml.SafeLoader):
        pass

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        pairs = loader.construct_pairs(node, deep=True)
        return {tuple(key) if isinstance(key, list) else key: value for key, value in pairs}

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    return yaml.load(path.read_bytes(), Loader)


def dump(path: Path, content: dict[str, Any]) -> None:
    """As python-ace writes: one function a line, keys of bonds as flow sequences, 15 digits."""

    def flow(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(map(flow, value)) + "]"
        return f"{float(value):.15g}" if isinstance(value, (float, np.floating)) else str(value)

    lines = []
    for key, value in content.items():
        if key == "functions":
            lines.append("functions:")
            for mu, species in value.items():
                lines += [f"  {mu}:", *(f"    - {flow(f)}" for f in species)]
        elif isinstance(value, dict) and key in ("embeddings", "bonds"):
            lines += [f"{key}:", *(f"  {flow(k)}: {flow(v)}" for k, v in value.items())]
        else:
            lines.append(f"{key}: {flow(value)}")
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
