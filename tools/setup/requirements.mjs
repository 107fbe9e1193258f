// What must be on the machine: Node, Python and a C++ compiler; each missing one is named with what installs it.
import { outputOf } from "./processes.mjs";

export function checkNode() {
	if (Number(process.versions.node.split(".")[0]) >= 20) return;
	throw missing(`Node ${process.versions.node} is too old: this project needs Node 20 or newer.`, {
		debian: "sudo apt install nodejs npm   (Debian 13, Ubuntu 25.04 or newer)",
		fedora: "sudo dnf install nodejs",
		macos: "brew install node",
	});
}

/** The Python to make `.venv` with, 3.10 to 3.14: `python3` or the newest. `PYTHON=…` chooses another. */
export function findPython() {
	const candidates = process.env.PYTHON
		? [process.env.PYTHON]
		: ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];
	for (const command of candidates) {
		const version = outputOf(command, ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]);
		const [major, minor] = (version ?? "0.0").split(".").map(Number);
		if (major !== 3 || minor < 10 || minor > 14) continue;
		if (outputOf(command, ["-c", "import venv, ensurepip"]) !== null) return command;
		throw missing(`Python ${version} has no venv module.`, {
			debian: "sudo apt install python3-venv",
			fedora: "sudo dnf install python3",
			macos: "brew install python@3.14",
		});
	}
	throw missing(`No Python from 3.10 to 3.14 found (looked for ${candidates.join(", ")}).`, {
		debian: "sudo apt install python3 python3-venv",
		fedora: "sudo dnf install python3",
		macos: "brew install python@3.14",
	});
}

/** The C++ compiler. `CXX=…` chooses another. */
export function findCompiler() {
	for (const command of process.env.CXX ? [process.env.CXX] : ["c++", "g++", "clang++"]) {
		if (outputOf(command, ["--version"]) !== null) return command;
	}
	throw missing("No C++ compiler found: the bridge between Node and TensorFlow is compiled here.", {
		debian: "sudo apt install g++",
		fedora: "sudo dnf install gcc-c++",
		macos: "xcode-select --install",
	});
}

/**
 * How to install what is missing, for the three systems most people have.
 *
 * @param {string} what
 * @param {{ debian: string, fedora: string, macos: string }} commands
 */
function missing(what, { debian, fedora, macos }) {
	return new Error(`${what}\n  Debian/Ubuntu:  ${debian}\n  Fedora:         ${fedora}\n  macOS:          ${macos}`);
}
