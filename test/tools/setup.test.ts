import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { root, temporaryFolder } from "../helpers";
import { freePort } from "../servers";

const read = (file: string) => readFileSync(join(root, file), "utf8");
const venv = join(root, ".venv", "bin", "python");

test("no package is fetched from outside the registry", () => {
	const { packages } = JSON.parse(read("package-lock.json")) as {
		packages: Record<string, { resolved?: string; link?: boolean }>;
	};
	for (const [name, { resolved, link }] of Object.entries(packages)) {
		assert.ok(!resolved || link, `${name} is resolved to ${resolved}`);
	}
});

test("every patch is for the installed version of its package", () => {
	for (const patch of readdirSync(join(root, "patches"))) {
		const [, name, version] = /^(.*)\+([^+]+)\.patch$/.exec(patch) as RegExpExecArray;
		assert.equal(JSON.parse(read(`node_modules/${name.replace("+", "/")}/package.json`)).version, version);
	}
});

test("TensorFlow is the wheel's, and there is one TensorFlow.js for danfojs too", async () => {
	const wheel = readdirSync(join(root, ".venv", "tensorflow")).filter((name) => name.endsWith(".dist-info"));
	const backend = tf.backend() as unknown as { binding: { TF_Version: string } };
	assert.equal(tf.getBackend(), "tensorflow");
	assert.ok(wheel[0].includes(`-${backend.binding.TF_Version}.`));
	const danfo = await import("danfojs-node");
	assert.equal((danfo as unknown as { tensorflow: { Tensor: unknown } }).tensorflow.Tensor, tf.Tensor);
});

test("requirements.txt pins everything that the Python side imports", () => {
	const result = spawnSync(venv, ["-c", "import anywidget, jupyterlab, nbconvert, papermill, plotly, ipykernel"], {
		encoding: "utf8",
	});
	assert.equal(result.status, 0, result.stderr);
});

test("every Python requirement is pinned with hashes, and installed only if its wheel has one of them", () => {
	for (const file of [
		"requirements.txt",
		"requirements-tensorflow.txt",
		"requirements-gpu.txt",
		"tools/bench/requirements.txt",
	]) {
		const entries = read(file)
			.replace(/^#.*\n/gm, "")
			.replaceAll(" \\\n    ", " ")
			.trim()
			.split("\n");
		assert.ok(entries.length >= 2, file);
		for (const entry of entries) assert.match(entry, /^\S+==\S+( ; [^-]+)?( --hash=sha256:[0-9a-f]{64})+$/);
	}
	for (const tampered of [false, true]) {
		const folder = temporaryFolder();
		const install = installsWheel(folder, tampered);
		const code = `import { pipInstall } from "./tools/setup/packages.mjs"; await pipInstall(${install});`;
		const env = { ...process.env, PIP_NO_INDEX: "1", PIP_FIND_LINKS: folder, PIP_TARGET: join(folder, "installed") };
		const { status, stderr } = spawnSync("node", ["--input-type=module", "-e", code], {
			cwd: root,
			encoding: "utf8",
			env,
		});
		assert.equal(status === 0, !tampered, stderr);
		assert.equal(existsSync(join(folder, "installed", "tiny.py")), !tampered);
		if (tampered) assert.match(stderr, /DO NOT MATCH THE HASHES/);
	}
});

/** Makes a wheel and its requirements file, and returns the arguments of `pipInstall`. */
function installsWheel(folder: string, tampered: boolean): string {
	const code = `
import base64, hashlib, sys, zipfile
folder, tampered = sys.argv[1], sys.argv[2] == "true"
wheel = folder + "/tiny-1.0-py3-none-any.whl"
def write(source):
    files = {"tiny.py": source, "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items(): archive.writestr(name, text)
        archive.writestr("tiny-1.0.dist-info/RECORD", "".join(name + ",,\\n" for name in files))
write("")
sha256 = hashlib.sha256(open(wheel, "rb").read()).hexdigest()
if tampered: write("import os")
open(folder + "/requirements.txt", "w").write("tiny==1.0 --hash=sha256:" + sha256)`;
	const result = spawnSync(venv, ["-c", code, folder, String(tampered)], { encoding: "utf8" });
	assert.equal(result.status, 0, result.stderr);
	return [venv, join(folder, "requirements.txt")].map((path) => JSON.stringify(path)).join(", ");
}

test("a registry that does not answer is one line, for npm and for pip", async () => {
	const folder = temporaryFolder();
	writeFileSync(join(folder, "requirements.txt"), `nowhere==1.0 --hash=sha256:${"0".repeat(64)}\n`);
	const closed = `http://127.0.0.1:${await freePort()}`;
	const env = { ...process.env, PIP_INDEX_URL: closed, PIP_RETRIES: "1", npm_config_registry: closed };
	const calls: [string, string][] = [
		["pip", `pipInstall(${JSON.stringify(venv)}, ${JSON.stringify(join(folder, "requirements.txt"))})`],
		["npm", 'download("npm", ["view", "nowhere", "--fetch-retries", "0"])'],
	];
	for (const [program, call] of calls) {
		const code = `import { download, pipInstall } from "./tools/setup/packages.mjs";
			await ${call}.catch(({ message }) => console.log(message));`;
		const { stdout } = spawnSync("node", ["--input-type=module", "-e", code], { cwd: root, encoding: "utf8", env });
		assert.match(
			stdout,
			new RegExp(
				`^${program} does not reach its package registry, or finds the package not there \\([\\w :]+\\): check .* settings of ${program}; .*\\n$`,
			),
		);
	}
});

test("the kernel is in .venv, with paths that survive a move", () => {
	const kernels = spawnSync(venv, ["-m", "jupyter", "kernelspec", "list", "--json"], { encoding: "utf8" });
	const { tslab } = JSON.parse(kernels.stdout).kernelspecs;
	assert.ok(tslab.resource_dir.startsWith(join(root, ".venv")));
	const files = tslab.spec.argv.filter((part: string) => part.startsWith("{resource_dir}"));
	assert.equal(files.length, 1);
	for (const file of files) assert.ok(existsSync(file.replace("{resource_dir}", tslab.resource_dir)), file);
	assert.ok(!JSON.stringify(tslab.spec).includes(root));
});

test("a second set-up does nothing", () => {
	const result = spawnSync("node", [join(root, "tools", "cli.mjs"), "setup"], { encoding: "utf8" });
	assert.deepEqual([result.status, result.stdout, result.stderr], [0, "", ""]);
});

test("prerequisites that are missing are named with the commands that install them", () => {
	const script = (body: string) => {
		const code = `import { findPython, findCompiler } from "./tools/setup/requirements.mjs"; ${body}`;
		const env = { ...process.env, PATH: "/nowhere", PYTHON: "", CXX: "" };
		return spawnSync(process.execPath, ["--input-type=module", "-e", code], { cwd: root, encoding: "utf8", env })
			.stderr;
	};
	assert.match(
		script("findPython()"),
		/No Python from 3\.10 to 3\.14[\s\S]*sudo apt install python3[\s\S]*dnf install[\s\S]*brew install/,
	);
	assert.match(
		script("findCompiler()"),
		/No C\+\+ compiler[\s\S]*sudo apt install g\+\+[\s\S]*gcc-c\+\+[\s\S]*xcode-select --install/,
	);
});
