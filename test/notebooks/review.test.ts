// The review panel in JupyterLab, in a real browser.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, noBrowser } from "../browser";
import { notebookOf, temporaryFolder } from "../helpers";
import { until } from "../processes";
import { type Lab, makeProject, menu, openNotebook, screenshot, startLab } from "./jupyterlab";

const work = temporaryFolder();
const lines = join(work, "lines.jsonl");
const decisions = () =>
	existsSync(lines)
		? readFileSync(lines, "utf8")
				.trim()
				.split("\n")
				.map((line) => JSON.parse(line))
		: [];
/** The decisions that hold: file name and class. */
const held = () => Object.fromEntries(decisions().map(({ path, to }) => [path.split("/").at(-1), to]));
const COUNT = 24;

/** A journal of a line for each decision, so that what the panel shows can be compared with a file. */
const JOURNAL = `
import { appendFileSync, existsSync, readFileSync, readdirSync } from "node:fs";
import { reviewPanel } from "../src/display";
const file = ${JSON.stringify(lines)};
const held = new Map<string, any>();
const keep = (line: any) => { if (line.undo) held.delete(line.path); else held.set(line.path, line); return line; };
const write = (line: any) => { appendFileSync(file, JSON.stringify(line) + "\\n"); return keep(line); };
if (existsSync(file)) readFileSync(file, "utf8").trim().split("\\n").forEach((line) => keep(JSON.parse(line)));
const journal = {
	decide: async (decision: any) => write({ ...decision, time: new Date().toISOString() }),
	undo: async (path: string) => { write({ path, undo: true }); },
	decisionOf: (path: string) => held.get(path) ?? null,
};`;
const SUSPECTS = `
const folder = "../dataset/train";
const classNames = readdirSync(folder).sort();
const images = readdirSync(folder + "/" + classNames[0]).sort().map((name) => folder + "/" + classNames[0] + "/" + name);
const others = readdirSync(folder + "/" + classNames[1]).sort().map((name) => folder + "/" + classNames[1] + "/" + name);
const suspects = images.slice(0, ${COUNT}).map((path, i) => ({
	path: i === 3 ? folder + "/" + classNames[0] + "/<b>missing</b>.jpg" : path,
	label: classNames[0], suggested: i === 2 ? null : classNames[1], kind: i % 2 ? ("outlier" as const) : ("label issue" as const),
	score: 0.1 + i / 100, why: "The network is 93 % sure of <i>" + classNames[1] + "</i>.",
	neighbours: [...others.slice(i, i + 4), ...images.slice(24, 26)],
}));`;
/** Proposals of one class for unlabelled images. Past the doors, which would load TensorFlow for nothing. */
const PAGES = `
import { openJournal } from "../src/datasets/journal";
import { reviewPages } from "../src/display";
import { unlabelledImages } from "../src/images/folders";
import { proposeLabels } from "../src/review/pseudo-labels";
const classNames = ["cracked", "intact"];
const paths = unlabelledImages("../dataset");
const rows = paths.map((_, i) => [0.999 - i / 1000, 0.001 + i / 1000]);
const { confident } = proposeLabels(paths, rows, { classNames, threshold: 0.9 });`;

describe("the review panel in JupyterLab", { skip: noBrowser }, () => {
	let lab: Lab;
	let browser: Browser;
	let page: Page;

	before(async () => {
		await makeProject(work, { counts: { train: 128, valid: 4, test: 4 } });
		writeFileSync(
			join(work, "notebooks", "review.ipynb"),
			notebookOf(`${JOURNAL}${SUSPECTS}`, "await reviewPanel(suspects, { classNames, journal })", "process.pid"),
		);
		writeFileSync(
			join(work, "notebooks", "pages.ipynb"),
			notebookOf(PAGES, 'await reviewPages(confident, { classNames, journal: openJournal("../dataset") })'),
		);
		lab = await startLab(work, "--LabApp.expose_app_in_browser=true");
		browser = await launchBrowser();
		page = await open();
		await menu(page, "Run", "Run All Cells");
		// The first import of a door compiles the modules, and other test files run at the same time.
		await shows(0, 180_000);
	});
	after(async () => {
		await browser?.close();
		lab?.stop();
	});

	const open = async () =>
		openNotebook(await browser.newPage({ viewport: { width: 1400, height: 1000 } }), lab, "review");
	afterEach(() => screenshot(page, "review-last"));
	const panel = () => page.locator(".icn-review");
	const shows = (index: number, timeout = 10_000) =>
		page.locator(`.icn-review[data-index="${index}"]:not([data-waits], [data-decides])`).waitFor({ timeout });
	const progress = () => page.locator(".icn-review-progress").innerText();
	const hasFocus = () => page.locator(".icn-review:focus").isVisible();
	/** Milliseconds in the page from a key to the paint of the next image. */
	const timed = (key: string, index: number) =>
		page.evaluate<number>(`new Promise((resolve, reject) => {
			setTimeout(() => reject(new Error("image ${index} is not there")), 10_000);
			const panel = document.querySelector(".icn-review");
			const start = performance.now();
			const look = () => {
				const isThere = panel.dataset.index === "${index}" && !panel.hasAttribute("data-waits");
				const isDrawn = isThere && panel.querySelector(".icn-review-frame img")?.complete !== false;
				requestAnimationFrame(isDrawn ? () => resolve(performance.now() - start) : look);
			};
			panel.dispatchEvent(new KeyboardEvent("keydown", { key: "${key}", bubbles: true, cancelable: true }));
			look();
		})`);

	test("has the focus, and shows the image, why it is suspect, and its neighbours, names as they are written", async () => {
		await until("it has the focus", hasFocus);
		assert.equal(await progress(), `1 of ${COUNT}, 0 decided`);
		assert.match(await page.locator(".icn-review-why").innerText(), /^label issue 0\.100 — .*sure of <i>\w+<\/i>\.$/);
		assert.equal(await page.locator(".icn-review-neighbours li img").count(), 6);
		assert.equal(await page.locator(".icn-review-classes button").count(), 2);
		for (const button of await panel().getByRole("button").all()) assert.ok(await button.getAttribute("type"));
		await until("the image is there", () =>
			page
				.locator(".icn-review-frame img")
				.evaluate<boolean, { naturalWidth: number }>((image) => image.naturalWidth > 0),
		);
		// What reports show instead is there, and hidden.
		await page.locator(".icn-review-fallback").waitFor({ state: "attached" });
		assert.equal(await page.locator(".icn-review-fallback").isVisible(), false);
		await screenshot(page, "review-light");
	});

	test("keys decide, and every decision is in the file; JupyterLab hears none of them", async () => {
		const cells = await page.locator(".jp-Cell").count();
		const [first, second] = await page.locator(".icn-review-classes .icn-review-text").allInnerTexts();
		await page.keyboard.press("2");
		await shows(1);
		assert.equal(decisions().length, 1);
		await page.keyboard.press("k");
		await shows(2);
		// It has no suggestion.
		await page.keyboard.press("Enter");
		await page.keyboard.press("x");
		await shows(3);
		assert.match(await page.locator(".icn-review-frame").innerText(), /No image\s+there is no such file/);
		assert.match(await page.locator(".icn-review-path").innerText(), /<b>missing<\/b>\.jpg/);
		await screenshot(page, "review-missing");
		await page.keyboard.press("Enter");
		await shows(4);
		assert.equal(await progress(), `5 of ${COUNT}, 4 decided`);
		assert.deepEqual(
			decisions().map(({ to, proposedBy }) => [to, proposedBy]),
			[
				[second, "label issue"],
				[first, "outlier"],
				[null, "label issue"],
				[second, "outlier"],
			],
		);
		await page.keyboard.press("u");
		await shows(3);
		assert.deepEqual([decisions().at(-1).undo, await progress()], [true, `4 of ${COUNT}, 3 decided`]);
		await page.keyboard.press("ArrowLeft");
		await shows(2);
		assert.match(await page.locator(".icn-review-decision").innerText(), /^Decided: left out, /);
		await page.keyboard.press("u");
		await shows(2);
		assert.equal(await progress(), `3 of ${COUNT}, 2 decided`);
		await page.keyboard.press("x");
		await shows(3);
		for (const index of [4, 5]) {
			await page.keyboard.press(index === 4 ? "ArrowRight" : "Space");
			await shows(index);
		}
		await page.keyboard.press("n");
		await page.keyboard.type("x 1 k z");
		await page.keyboard.press("Enter");
		await page.keyboard.press("1");
		await shows(6);
		assert.deepEqual([decisions().at(-1).note, decisions().at(-1).to], ["x 1 k z", first]);
		// `a`, `b`, `d d` and `m` are JupyterLab's.
		for (const key of ["a", "b", "d", "d", "m", "Control+Enter"]) await page.keyboard.press(key);
		await page.keyboard.press("z");
		await page.locator(".icn-review-zoom img").waitFor();
		await setTimeout(500);
		await screenshot(page, "review-zoom");
		await page.keyboard.press("Escape");
		await page.locator(".icn-review-zoom").waitFor({ state: "hidden" });
		assert.ok(await hasFocus());
		assert.deepEqual(
			[await page.locator(".jp-Cell").count(), await page.locator(".jp-MarkdownCell").count()],
			[cells, 0],
		);
		await page.keyboard.press("Control+s");
		await until("it is saved", async () => (await page.locator(".jp-mod-dirty").count()) === 0);
	});

	test("buttons do the same; after a click Enter means the suggestion again", async () => {
		await panel().getByRole("button", { name: "Leave out" }).click();
		await shows(7);
		assert.equal(decisions().at(-1).to, null);
		const before = decisions().length;
		await page.keyboard.press("Enter");
		await shows(8);
		assert.deepEqual([decisions().length, decisions().at(-1).to !== null], [before + 1, true]);
		await panel().getByRole("button", { name: "Undo" }).focus();
		await page.keyboard.press("Enter");
		await shows(7);
		assert.equal(decisions().at(-1).undo, true);
	});

	test("ten decisions in a row each lead to the next image, and are in the file", async (context) => {
		const before = decisions().length;
		await page.keyboard.press("ArrowRight");
		await shows(8);
		const times: number[] = [];
		for (let index = 9; index < 19; index++) {
			await setTimeout(300);
			times.push(await timed("2", index));
		}
		context.diagnostic(`ms from key to next image: ${times.map(Math.round).join(", ")}`);
		assert.equal(decisions().length, before + 10);
	});

	test("a journal that cannot be written is one line, and the image stays undecided", async () => {
		const cell = page.locator(".jp-CodeCell").nth(2).locator(".cm-content");
		await cell.click();
		await page.keyboard.press("Control+a");
		await page.keyboard.type("journal.decide = async () => { throw new Error('no space left on the device') };");
		await page.keyboard.press("Control+Enter");
		await page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").waitFor();
		await setTimeout(300);
		await panel().focus();
		const before = decisions().length;
		const shown = await progress();
		await page.keyboard.press("k");
		await page.locator(".icn-review-error", { hasText: /^no space left on the device$/ }).waitFor();
		await screenshot(page, "review-error");
		assert.deepEqual([decisions().length, await progress()], [before, shown]);
	});

	test("a kernel that is killed loses no decision: the panel says so, and goes on where it was", async () => {
		const cell = page.locator(".jp-CodeCell").nth(2).locator(".cm-content");
		await cell.click();
		await page.keyboard.press("Control+a");
		await page.keyboard.type("process.kill(process.pid, 'SIGKILL')");
		const before = held();
		await page.keyboard.press("Control+Enter");
		await page.locator(".icn-review-error", { hasText: /has ended/ }).waitFor();
		await page
			.getByRole("button", { name: /^Ok$/i })
			.click({ timeout: 10_000 })
			.catch(() => {});
		await screenshot(page, "review-ended");
		await panel().focus();
		await page.keyboard.press("x");
		await setTimeout(300);
		assert.deepEqual(held(), before);
		await screenshot(page, "review-dead");
		await until("there is a kernel again", async () => {
			return (await page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").count()) > 0;
		});
		for (const index of [0, 1]) {
			await page.locator(".jp-CodeCell").nth(index).locator(".cm-content").click();
			await page.keyboard.press("Control+Enter");
		}
		// The fourth image was skipped: it is the first without a decision. The new kernel loads the modules again.
		await shows(3, 60_000);
		assert.equal(await progress(), `4 of ${COUNT}, 15 decided`);
		assert.deepEqual(held(), before);
	});

	test("fits narrow and wide windows, light and dark, and exports as a table", async () => {
		await panel().focus();
		await page.keyboard.press("ArrowRight");
		await shows(4);
		// Where the panel has the focus, JupyterLab's shortcuts are off.
		await page.locator(".jp-CodeCell .jp-InputPrompt").first().click();
		await page.keyboard.press("Control+b");
		for (const theme of ["light", "dark"]) {
			await page.setViewportSize({ width: 1400, height: 1000 });
			const name = theme === "light" ? "JupyterLab Light" : "JupyterLab Dark";
			await page.evaluate(`jupyterapp.commands.execute("apputils:change-theme", { theme: "${name}" })`);
			await page.locator(`body[data-jp-theme-name="${name}"]`).waitFor({ state: "attached" });
			for (const width of [1400, 400]) {
				await page.setViewportSize({ width, height: width === 400 ? 1400 : 1000 });
				await setTimeout(600);
				await panel().scrollIntoViewIfNeeded();
				assert.ok(await panel().evaluate((root) => root.scrollWidth <= root.clientWidth + 1));
				await screenshot(page, `review-${theme}-${width}`);
				if (process.env.SCREENSHOTS) {
					await panel().screenshot({ path: join(process.env.SCREENSHOTS, `review-${theme}-${width}-panel.png`) });
				}
			}
		}
		await panel().focus();
		await page.keyboard.press("ArrowLeft");
		await shows(3);
		await page.keyboard.press("k");
		await shows(4);
		// The table is made again when no decision has come for a while.
		await setTimeout(3000);
		await page.keyboard.press("Control+s");
		await until("it is saved", async () => (await page.locator(".jp-mod-dirty").count()) === 0);
		const html = await fetch(`${lab.address}/nbconvert/html/notebooks/review.ipynb?token=t`).then((reply) =>
			reply.text(),
		);
		writeFileSync(join(work, "review.html"), html);
		const context = await browser.newContext({ offline: true, viewport: { width: 1000, height: 1100 } });
		const exported = await context.newPage();
		await exported.goto(`file://${join(work, "review.html")}`);
		const table = exported.locator(".icn-review-fallback table");
		assert.equal(await table.locator("tbody tr").count(), 16);
		assert.deepEqual(
			[await exported.locator(".icn-review").count(), await exported.locator(".icn-review-fallback").isVisible()],
			[0, true],
		);
		await table.scrollIntoViewIfNeeded();
		await screenshot(exported, "review-exported");
		await context.close();
	});

	test("pages of proposals are confirmed and taken back by keyboard, and fit narrow windows", async () => {
		const [from, to] = [join(work, "dataset", "train", "cracked"), join(work, "dataset", "unlabelled")];
		mkdirSync(to);
		const names = readdirSync(from).slice(0, 30);
		for (const name of names) cpSync(join(from, name), join(to, name));
		const journal = join(work, "dataset", "labels.jsonl");
		const kept = () =>
			readFileSync(journal, "utf8")
				.trim()
				.split("\n")
				.map((line) => JSON.parse(line));
		const own = await openNotebook(await browser.newPage({ viewport: { width: 1400, height: 1000 } }), lab, "pages");
		const cells = await own.locator(".jp-Cell").count();
		const shown = (number: number) =>
			own.locator(`.icn-pages[data-page="${number}"]:not([data-waits], [data-decides])`).waitFor({ timeout: 60_000 });
		await menu(own, "Run", "Run All Cells");
		await shown(0);
		await own.locator(".icn-pages-grid:focus").waitFor();
		for (const key of ["ArrowDown", "ArrowRight", "Space", "Home", "Space"]) await own.keyboard.press(key);
		await own.getByRole("button", { name: "Confirm 22 as cracked" }).waitFor();
		await screenshot(own, "pages-1400");
		await own.keyboard.press("Enter");
		await shown(1);
		assert.deepEqual([...new Set(kept().map(({ from, to }) => `${from} ${to}`))], ["null cracked"]);
		assert.deepEqual([kept().length, existsSync(join(to, names[0]))], [22, true]);
		await own.keyboard.press("u");
		await shown(0);
		assert.equal(kept().filter(({ undo }) => undo).length, 22);
		assert.equal(await own.locator(".icn-pages [aria-selected='true']").count(), 2);
		await own.evaluate('jupyterapp.commands.execute("application:toggle-left-area")');
		await own.setViewportSize({ width: 400, height: 1400 });
		await setTimeout(600);
		const root = own.locator(".icn-pages");
		assert.ok(await root.evaluate((root) => root.scrollWidth <= root.clientWidth + 1));
		await screenshot(own, "pages-400");
		assert.equal(await own.locator(".jp-Cell").count(), cells);
		await own.close();
	});
});
