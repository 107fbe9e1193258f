import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { root } from "../helpers";

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
	const wheel = readdirSync(join(root, ".venv", "lib")).flatMap((python) =>
		readdirSync(join(root, ".venv", "lib", python, "site-packages")).filter((name) =>
			/^tensorflow.*\.dist-info$/.test(name),
		),
	);
	const backend = tf.backend() as unknown as { binding: { TF_Version: string } };
	assert.equal(tf.getBackend(), "tensorflow");
	assert.ok(wheel[0].includes(`-${backend.binding.TF_Version}.`));
	const danfo = await import("danfojs-node");
	assert.equal((danfo as unknown as { tensorflow: { Tensor: unknown } }).tensorflow.Tensor, tf.Tensor);
});

test("requirements.txt pins everything that the Python side imports", () => {
	const result = spawnSync(venv, ["-c", "import jupyterlab, nbconvert, papermill, plotly, ipykernel"], {
		encoding: "utf8",
	});
	assert.equal(result.status, 0, result.stderr);
	for (const line of read("requirements.txt").split("\n")) {
		assert.match(line, /^(#.*|\S+==\S+( ; .+)?|)$/);
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
		/No Python from 3\.10 to 3\.13[\s\S]*sudo apt install python3[\s\S]*dnf install[\s\S]*brew install/,
	);
	assert.match(
		script("findCompiler()"),
		/No C\+\+ compiler[\s\S]*sudo apt install g\+\+[\s\S]*gcc-c\+\+[\s\S]*xcode-select --install/,
	);
});
