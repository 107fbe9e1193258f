// What a user sees in JupyterLab, in a real browser.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, noBrowser } from "../browser";
import { notebookOf, root, temporaryFolder } from "../helpers";
import { isRunning, until } from "../processes";
import { type Lab, makeProject, menu, openNotebook, screenshot, startLab } from "./jupyterlab";

const work = temporaryFolder();
const LINES = 20_000;

/** The training notebook, with some parameters changed. */
function writeNotebook(name: string, parameters: Record<string, number>): void {
	const notebook = JSON.parse(readFileSync(join(root, "notebooks", "04-training.ipynb"), "utf8"));
	const cell = notebook.cells.find(({ metadata }: { metadata: { tags?: string[] } }) => metadata.tags);
	cell.source = Object.entries(parameters).reduce(
		(source, [parameter, value]) => source.replace(new RegExp(`(let ${parameter} =) [^;]+`), `$1 ${value}`),
		cell.source.join(""),
	);
	writeFileSync(join(work, "notebooks", `${name}.ipynb`), JSON.stringify(notebook));
}

function writeCells(name: string, ...sources: string[]): void {
	writeFileSync(join(work, "notebooks", `${name}.ipynb`), notebookOf(...sources));
}

/** The cell whose code holds `text`. */
const cellWith = (page: Page, text: string) => page.locator(".jp-CodeCell", { hasText: text }).first();
const prompts = (page: Page) => page.locator(".jp-CodeCell .jp-InputPrompt").allInnerTexts();
/** What is shown on red: errors, and what was printed to stderr. */
const errors = async (page: Page) =>
	(await page.locator("[data-mime-type='application/vnd.jupyter.stderr']").allInnerTexts()).map((text) => text.trim());
const nothingRuns = async (page: Page) => !(await prompts(page)).some((prompt) => prompt.includes("*"));
describe("in JupyterLab", { skip: noBrowser }, () => {
	let lab: Lab;
	let browser: Browser;

	before(async () => {
		await makeProject(work, { counts: { train: 128, valid: 32, test: 32 } });
		writeNotebook("long", { batchSize: 4, epochs: 500, patience: 500 });
		writeNotebook("short", { batchSize: 16, epochs: 2 });
		writeCells("lines", `for (let i = 0; i < ${LINES}; i++) console.log("line", i)`, "process.pid");
		lab = await startLab(work);
		browser = await launchBrowser();
	});
	after(async () => {
		await browser?.close();
		lab?.stop();
	});

	const open = async (name: string) =>
		openNotebook(await browser.newPage({ viewport: { width: 1300, height: 1100 } }), lab, name);

	test("training is shown as it goes, and the interrupt button ends it within a batch", async () => {
		const page = await open("long");
		await menu(page, "Run", "Run All Cells");
		const training = cellWith(page, "await train(");
		const progress = training.getByText("images/s");
		await progress.waitFor({ timeout: 60_000 });
		const first = await progress.innerText();
		await until("the progress moves on", async () => (await progress.innerText()) !== first);
		await until("validation is drawn", async () => (await training.locator("svg circle").count()) >= 2);
		assert.equal(await training.locator(".jp-OutputArea-child").count(), 1);
		await training.scrollIntoViewIfNeeded();
		await screenshot(page, "training");

		await page.locator("[data-command='notebook:interrupt-kernel'], [title^='Interrupt the kernel']").first().click();
		await until("the cell ends", async () => (await errors(page)).length > 0 && (await nothingRuns(page)), 15);
		assert.deepEqual(await errors(page), ["Interrupted"]);
		await training.locator(".js-plotly-plot").waitFor();
		await screenshot(page, "interrupted");

		// The cells that waited did not run; one that is run now has the history up to the interrupt.
		const figure = cellWith(page, 'showFigure(curves(history, "acc"');
		assert.match(await figure.locator(".jp-InputPrompt").innerText(), /\[ \]/);
		await figure.locator(".cm-content").click();
		await page.keyboard.press("Control+Enter");
		await figure.locator(".js-plotly-plot").waitFor();
		assert.deepEqual(await errors(page), ["Interrupted"]);
		await page.close();
	});

	test("after a restart everything runs; the panel trains with what its controls say", async () => {
		const page = await open("short");
		await menu(page, "Kernel", "Restart Kernel and Run All Cells…");
		await page.getByRole("button", { name: "Confirm Kernel Restart" }).click();
		const panel = cellWith(page, "tuningPanel(");
		// Fourteen short trainings come before it, and other test files run at the same time.
		await panel.locator(".widget-slider").first().waitFor({ timeout: 300_000 });
		await until("all cells have run", () => nothingRuns(page));
		assert.deepEqual(await errors(page), []);

		await panel.scrollIntoViewIfNeeded();
		await panel.locator(".widget-dropdown select").selectOption({ label: "64" });
		await panel.locator(".widget-checkbox input").uncheck();
		await panel.locator(".noUi-handle").first().press("ArrowRight");
		await panel.getByRole("button", { name: "Train" }).click();
		await panel.getByText("Training …").waitFor();
		await screenshot(page, "panel");
		await panel.getByText("Run 2: 3 epochs").waitFor({ timeout: 60_000 });
		const cells = panel.locator("table tbody tr").nth(1).locator("td");
		assert.deepEqual((await cells.allInnerTexts()).slice(0, 7), ["2", "64", "3", "0.0010", "false", "0.4000", "3"]);

		await panel.locator(".noUi-handle").first().press("End");
		await panel.getByRole("button", { name: "Train" }).click();
		await panel.getByText("images/s").waitFor();
		await panel.getByRole("button", { name: "Stop" }).click();
		await until("the run ends", async () => !(await panel.getByText("Training …").isVisible()), 5);
		assert.deepEqual(await errors(page), []);
		await page.mouse.wheel(0, 600);
		await setTimeout(1000);
		await screenshot(page, "panel-runs");
		await page.keyboard.press("Control+S");
		await until("it is saved", async () => (await page.locator(".jp-mod-dirty").count()) === 0);
		await page.close();
	});

	test("opened again, the panel is there: of the running kernel, and after its end as it was saved", async () => {
		for (const isRunning of [true, false]) {
			const page = await open("short");
			const panel = cellWith(page, "tuningPanel(");
			await panel.locator(".widget-slider").first().waitFor();
			await panel.getByRole("button", { name: "Train" }).waitFor();
			const disconnected = await panel.locator(".jupyter-widgets-disconnected").count();
			assert.equal(disconnected === 0, isRunning, `${disconnected} widgets are disconnected`);
			await screenshot(page, `panel-again-${isRunning}`);
			await page.close();
			for (const { id } of await lab.sessions())
				await fetch(`${lab.address}/api/sessions/${id}?token=t`, { method: "DELETE" });
		}
	});

	test("the exported notebook is a page with its charts, without a network", async () => {
		const html = await fetch(`${lab.address}/nbconvert/html/notebooks/short.ipynb?token=t`).then((reply) =>
			reply.text(),
		);
		writeFileSync(join(work, "short.html"), html);
		const context = await browser.newContext({ offline: true, viewport: { width: 1000, height: 1100 } });
		const page = await context.newPage();
		const asked: string[] = [];
		page.on("request", (request) => asked.push(request.url()));
		await page.goto(`file://${join(work, "short.html")}`);
		// Progress of training, two curves, and the runs of the panel.
		await until("the charts are drawn", async () => (await page.locator(".js-plotly-plot svg").count()) >= 4);
		assert.deepEqual(
			asked.filter((url) => !/^(file|data|blob):/.test(url)),
			[],
		);
		assert.ok(await page.getByRole("cell", { name: "16, 32, 64, 128" }).isVisible());
		await screenshot(page, "exported");
		await context.close();
	});

	test("JupyterLab's menu exports a PDF, and offers no other way to one, which would need more programs", async () => {
		const page = await open("short");
		await page.getByRole("menuitem", { name: "File", exact: true }).click();
		await page.locator(".lm-Menu-item", { hasText: "Save and Export Notebook As" }).hover();
		const entry = page.locator(".lm-Menu-itemLabel", { hasText: /^PDF$/ });
		await entry.waitFor();
		await screenshot(page, "export-menu");
		assert.equal(await page.locator(".lm-Menu-itemLabel", { hasText: /pdf|png/i }).count(), 1);
		const started = page.waitForEvent("download", { timeout: 120_000 }).catch(() => null);
		const opened = page.context().waitForEvent("page");
		await entry.click();
		const download = await Promise.race([started, (await opened).waitForEvent("download", { timeout: 120_000 })]);
		const pdf = readFileSync((await download?.path()) as string, "latin1");
		assert.equal(download?.suggestedFilename(), "short.pdf");
		assert.match(pdf, /^%PDF-[\s\S]*%%EOF\s*$/);
		await page.close();
	});

	test("a cell that prints 20,000 lines shows them all; SIGTERM to the command ends the server and the kernels", async () => {
		const page = await open("lines");
		await menu(page, "Run", "Run All Cells");
		const pid = cellWith(page, "process.pid").locator(".jp-OutputArea-executeResult .jp-OutputArea-output");
		await pid.waitFor();
		await until("all cells have run", () => nothingRuns(page));
		const text = (await cellWith(page, "console.log").locator(".jp-OutputArea-output").allInnerTexts()).join("");
		const expected = Array.from({ length: LINES }, (_, i) => `line ${i}\n`).join("");
		assert.ok(text.trimEnd() === expected.trimEnd(), `${text.length} characters, which end in ${text.slice(-300)}`);
		const kernel = Number(await pid.innerText());
		assert.ok(isRunning(kernel));
		await page.close();

		lab.server.kill("SIGTERM");
		assert.deepEqual(await once(lab.server, "exit"), [143, null]);
		await assert.rejects(fetch(`${lab.address}/api?token=t`));
		await until("the kernel has ended", () => !isRunning(kernel), 20);
	});
});
