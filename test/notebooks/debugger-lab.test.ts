// The debugger in JupyterLab, in a real browser.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, noBrowser } from "../browser";
import { notebookOf } from "../helpers";
import { project } from "../kernel/run-cells";
import { until } from "../processes";
import { type Lab, openNotebook, screenshot, startLab } from "./jupyterlab";

const SCALE = "export function scale(x: number): number {\n\tconst scaled = 3 * x;\n\treturn scaled;\n}\n";
const CELLS = [
	'import { scale } from "../src/scale";\nconst sizes = [4, 5];\nlet total = 0;',
	"for (const size of sizes) {\n\t// adds\n\ttotal += scale(size);\n}\ntotal",
];

const cell = (page: Page, i: number) => page.locator(".jp-CodeCell").nth(i);
const texts = async (page: Page, selector: string) =>
	(await page.locator(selector).allInnerTexts()).map((text) => text.replace(/\s+/g, " ").trim());
const frames = (page: Page) => texts(page, ".jp-DebuggerCallstackFrame");
/** The variables of the panel, as `name detail`. */
const variables = (page: Page) => texts(page, ".jp-DebuggerVariables-body:visible .jp-TreeItem");
const highlighted = (page: Page) => texts(page, ".jp-DebuggerEditor-highlight");

async function shows(what: string, page: Page, read: (page: Page) => Promise<string[]>, expected: string[]) {
	let last: string[] = [];
	const isShown = async () => {
		last = await read(page);
		return expected.every((text) => last.includes(text));
	};
	await until(what, isShown, 20).catch((error) => assert.deepEqual(last, expected, String(error)));
}

async function clickGutter(page: Page, i: number, line: number): Promise<void> {
	const lines = cell(page, i).locator(".cm-gutter.cm-breakpoint-gutter .cm-gutterElement");
	// The first one only keeps the width.
	await lines.nth(line).click();
}

async function run(page: Page, i: number): Promise<void> {
	await cell(page, i).locator(".cm-content").click();
	await page.keyboard.press("Control+Enter");
}

/** JupyterLab may not hear a click while it still asks what the kernel can do. */
async function switchOn(page: Page): Promise<void> {
	const button = page.locator(".jp-DebuggerBugButton");
	await until("the debugger is on", async () => {
		await button.click();
		const on = page.locator(".jp-DebuggerBugButton[aria-pressed='true']");
		return on.waitFor({ timeout: 15_000 }).then(
			() => true,
			() => false,
		);
	});
}

describe("the debugger in JupyterLab", { skip: noBrowser }, () => {
	const work = project();
	let lab: Lab;
	let browser: Browser;

	before(async () => {
		writeFileSync(join(work, "src", "scale.ts"), SCALE);
		writeFileSync(join(work, "notebooks", "debug.ipynb"), notebookOf(...CELLS));
		mkdirSync(join(work, "config"));
		lab = await startLab(work);
		browser = await launchBrowser();
	});
	after(async () => {
		await browser?.close();
		lab?.stop();
	});

	test("stops at a breakpoint, shows variables, steps into a module, and goes on", async () => {
		const page = await browser.newPage({ viewport: { width: 1500, height: 1000 } });
		await openNotebook(page, lab, "debug");
		await run(page, 0);
		await switchOn(page);
		await shows("the variables", page, variables, ["sizes Array(2)", "total 0"]);
		await screenshot(page, "variables");

		await clickGutter(page, 1, 2);
		await cell(page, 1).locator(".cm-breakpoint-icon:visible").first().waitFor();
		await run(page, 1);
		await shows("the line where it stops", page, highlighted, ["total += scale(size);"]);
		await shows("the call stack", page, frames, ["cell [2] Cell [*]:3"]);
		await shows("the local variables", page, variables, ["size 4"]);
		await screenshot(page, "stopped");

		await page.keyboard.press("F11");
		await shows("the call stack in a module", page, frames, [
			`scale ${join(work, "src", "scale.ts")}:2`,
			"cell [2] Cell [*]:3",
		]);
		await shows("the line of the module", page, highlighted, ["const scaled = 3 * x;"]);
		await shows("the module's variables", page, variables, ["x 4"]);
		await screenshot(page, "module");
		await page.keyboard.press("F10");
		await shows("the next line", page, highlighted, ["return scaled;"]);
		await page.keyboard.press("Shift+F11");
		await shows("the cell again", page, highlighted, ["for (const size of sizes) {"]);

		await page.reload();
		await page.locator(".jp-NotebookPanel .jp-CodeCell").first().waitFor();
		await shows("the stop, in a page that is loaded again", page, highlighted, ["for (const size of sizes) {"]);
		await cell(page, 1).locator(".cm-breakpoint-icon:visible").first().waitFor();
		await screenshot(page, "reloaded");

		await page.keyboard.press("F9");
		await shows("the second round", page, variables, ["size 5"]);
		await clickGutter(page, 1, 3);
		await cell(page, 1).locator(".cm-breakpoint-icon:visible").waitFor({ state: "detached" });
		await screenshot(page, "removed");
		await page.keyboard.press("F9");
		await shows("the variables at the end", page, variables, ["total 27"]);
		assert.deepEqual(await highlighted(page), []);
		await page.getByRole("treeitem", { name: "sizes" }).locator(".expand-collapse-button").first().click();
		await shows("the elements", page, variables, ["0 4", "1 5"]);
		await screenshot(page, "ended");
		await page.close();
	});

	test("is stopped, and the interrupt button ends the cell", async () => {
		writeFileSync(join(work, "notebooks", "endless.ipynb"), notebookOf("let rounds = 0;\nfor (;;) {\n\trounds++;\n}"));
		const page = await browser.newPage({ viewport: { width: 1500, height: 1000 } });
		await openNotebook(page, lab, "endless");
		await switchOn(page);
		await cell(page, 0).locator(".cm-gutter.cm-breakpoint-gutter").waitFor();
		await clickGutter(page, 0, 3);
		await cell(page, 0).locator(".cm-breakpoint-icon:visible").first().waitFor();
		await run(page, 0);
		await shows("the line where it stops", page, highlighted, ["rounds++;"]);
		await page.locator("[data-command='notebook:interrupt-kernel'], [title^='Interrupt the kernel']").first().click();
		await cell(page, 0).getByText("Interrupted").waitFor();
		assert.deepEqual(await highlighted(page), []);
		await screenshot(page, "interrupted");
		await page.close();
	});
});
