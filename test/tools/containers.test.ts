// The set-ups for containers name what the project has: they cannot be built here.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commands } from "../../tools/commands.mjs";
import { root } from "../helpers";

const text = (...path: string[]) => readFileSync(join(root, ...path), "utf8");
const { engines, scripts } = JSON.parse(text("package.json"));
const oldest = Number(engines.node.match(/\d+/)[0]);

test("the dev container and Binder run commands that there are, on a Node that is new enough", () => {
	const container = JSON.parse(text(".devcontainer", "devcontainer.json"));
	const steps = [container.onCreateCommand, container.postCreateCommand, text(".binder", "postBuild")].join("\n");
	const names = [...steps.matchAll(/npm run ([\w-]+)/g)].map(([, name]) => name);
	assert.deepEqual([...new Set(names)].sort(), ["kernel", "setup"]);
	for (const name of names) assert.ok(scripts[name] && commands[name], name);
	assert.ok(Number(/typescript-node:(\d+)-/.exec(container.image)?.[1]) >= oldest);
	assert.ok(Number(/nodejs=(\d+)/.exec(text(".binder", "environment.yml"))?.[1]) >= oldest);
	assert.ok(statSync(join(root, ".binder", "postBuild")).mode & 0o100, "postBuild is executable");
});

test("Binder's JupyterLab is the one of set-up, with the same widgets", () => {
	const pins = [...text(".binder", "environment.yml").matchAll(/- ([\w-]+==[\w.]+)/g)].map(([, pin]) => pin);
	assert.equal(pins.length, 3);
	for (const pin of pins) assert.match(text("requirements.txt"), new RegExp(`^${pin}( |$)`, "m"));
});
