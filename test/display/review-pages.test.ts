// Pages of proposals: the kernel's side and the page in a browser, joined by a comm of a few lines, with a real journal.
// test/notebooks/review.test.ts has them in JupyterLab.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { type Journal, openJournal } from "../../src/datasets/journal";
import { reviewPages } from "../../src/display/review-pages";
import type { Suspect } from "../../src/review/suspects";
import { launchBrowser, noBrowser } from "../browser";
import { copyOfImages, printed, root, temporaryFolder } from "../helpers";
import { until } from "../processes";

type Content = { type: string; [name: string]: unknown };
type State = Record<string, unknown>;
const kernelSymbol = Symbol.for("tslab.kernel");
const classNames = ["cats", "dogs"];
const work = temporaryFolder();
let dataset: string;
let journal: Journal;
/** The state of the panel that was opened last, what it sent, its outputs, and its listener. */
let state: State = {};
let sent: Content[] = [];
let outputs: { data: Record<string, string> }[] = [];
let receive: (data: object) => void = () => {};
let forward: (content: Content, state: State) => void = () => {};

const kernel = {
	current: () => ({
		publish: (_: string, content: { data: Record<string, string> }) => outputs.push(content),
		signal: new AbortController().signal,
	}),
	openComm(_: string, data: { state: State }, options: { onMessage(data: object): void }) {
		state = data.state;
		receive = options.onMessage;
		const send = (message: { content?: Content; state?: State }) => {
			Object.assign(state, message.state);
			if (message.content) sent.push(message.content);
			forward(message.content ?? { type: "state" }, state);
		};
		return { id: "pages", send, close() {} };
	},
};
const setKernel = (given?: object) => Object.assign(globalThis, { [kernelSymbol]: given });
before(() => setKernel(kernel));
after(() => setKernel());

/** Proposals of as many cats and dogs as are given, each image in a file of the data set's. */
async function proposalsOf(cats: number, dogs: number): Promise<Suspect[]> {
	const folder = join(dataset, "unlabelled");
	mkdirSync(folder, { recursive: true });
	return Promise.all(
		Array.from({ length: cats + dogs }, async (_, i) => {
			const path = join(folder, `${String(i).padStart(3, "0")}.png`);
			const [suggested, background] =
				i < cats ? ["cats", { r: 250, g: 150 - i, b: 40 }] : ["dogs", { r: 40, g: i, b: 99 }];
			const image = sharp({ create: { width: 60 + i, height: 60, channels: 3, background } });
			await image.png().toFile(path);
			const why = "The network says <b>so</b>.";
			return { path, label: null, suggested, kind: "pseudo-label", score: 1 - i / 1000, why, neighbours: [] };
		}),
	);
}

beforeEach(() => {
	dataset = mkdtempSync(join(work, "dataset-"));
	copyOfImages(join(dataset, "train"));
	journal = openJournal(dataset);
});
afterEach(() => {
	[sent, outputs, forward] = [[], [], () => {}];
});

/** The decisions that hold, by file name. */
const held = () => Object.fromEntries(journal.decisions().map(({ path, to }) => [basename(path), to]));
const lines = () => readFileSync(journal.file, "utf8").trimEnd().split("\n").length;
const names = (from: number, to: number, label: string) =>
	Object.fromEntries(Array.from({ length: to - from }, (_, i) => [`${String(from + i).padStart(3, "0")}.png`, label]));

/** Sends a view's message and returns the answer. */
async function answer(content: object): Promise<Content> {
	const before = sent.length;
	receive({ method: "custom", content: { view: "v", ...content } });
	await until("there is an answer", () => sent.length > before, 20);
	return sent[before];
}

describe("the kernel's side", () => {
	test("has pages of one class each; a confirmed one is in the journal at once, without the marked, and is taken back", async () => {
		const proposals = await proposalsOf(5, 3);
		const marked = await reviewPages([...proposals].reverse(), { classNames, journal, pageSize: 4 });
		const { total, images, page, decided, first } = state;
		assert.deepEqual({ total, images, page, decided, first }, { total: 3, images: 8, page: 0, decided: 0, first: 0 });
		const shown = (await answer({ ask: "page", page: 1 })) as unknown as { to: string; tiles: { path: string }[] };
		assert.deepEqual(
			[shown.to, shown.tiles.map(({ path }) => path)],
			[
				"cats",
				proposals
					.slice(1, 5)
					.reverse()
					.map((p) => p.path),
			],
		);
		// 0–2 are dogs, from the last; 3–6 cats.
		const changed = await answer({ ask: "confirm", page: 1, marked: [4, 0, 99] });
		assert.deepEqual([changed.type, changed.page, changed.following], ["changed", 1, 2]);
		assert.deepEqual(held(), { "004.png": "cats", "002.png": "cats", "001.png": "cats" });
		assert.equal(lines(), 3);
		assert.deepEqual(
			marked.map(({ path, suggested, kind }) => [basename(path), suggested, kind]),
			[["003.png", "dogs", "unlabelled"]],
		);
		assert.deepEqual([state.decided, state.marked, state.first], [3, 1, 0]);
		// Again, with other marks.
		await answer({ ask: "confirm", page: 1, marked: [3] });
		assert.deepEqual(held(), { "003.png": "cats", "002.png": "cats", "001.png": "cats" });
		assert.deepEqual(
			marked.map(({ path }) => basename(path)),
			["004.png"],
		);
		const back = await answer({ ask: "undo", page: 3 });
		assert.deepEqual([back.page, back.following, held(), marked, state.decided], [1, 1, {}, [], 0]);
		assert.equal((await answer({ ask: "undo", page: 3 })).reason, "no page is confirmed yet");
	});

	test("leaves what was decided one by one as it is, also when a page is taken back", async () => {
		const proposals = await proposalsOf(4, 0);
		const alone = { "001.png": "dogs", "002.png": "cats" };
		for (const [i, to] of Object.values(alone).entries())
			await journal.decide({ path: proposals[1 + i].path, to, proposedBy: "unlabelled" });
		await reviewPages(proposals, { classNames, journal });
		const { tiles } = (await answer({ ask: "page", page: 0 })) as unknown as { tiles: { isOpen: boolean }[] };
		assert.deepEqual(
			tiles.map(({ isOpen }) => isOpen),
			[true, false, false, true],
		);
		await answer({ ask: "confirm", page: 0, marked: [] });
		assert.deepEqual(held(), { ...names(0, 4, "cats"), ...alone });
		await reviewPages(proposals, { classNames, journal });
		assert.deepEqual([state.page, state.first, state.decided], [1, 1, 4]);
		await answer({ ask: "undo", page: 0 });
		assert.deepEqual(held(), alone);
	});

	test("refuses what it cannot do in a line, and an unreadable image leaves its page undecided", async () => {
		const proposals = await proposalsOf(3, 0);
		for (const suggested of [null, "owls"]) {
			const pages = reviewPages([{ ...proposals[0], suggested }], { classNames, journal });
			await assert.rejects(pages, /000\.png is proposed as (null|owls): expected one of the classes cats, dogs/);
		}
		await assert.rejects(reviewPages(proposals, { classNames, journal, pageSize: 0 }), /^Error: pageSize is 0/);
		await reviewPages(proposals, { classNames, journal });
		rmSync(proposals[1].path);
		const failed = await answer({ ask: "confirm", page: 0, marked: [] });
		assert.deepEqual([failed.type, failed.page, held()], ["failed", 0, {}]);
		assert.match(String(failed.reason), /001\.png/);
		assert.equal((await answer({ ask: "confirm", page: 0, marked: [1] })).type, "changed");
		assert.deepEqual(held(), { "000.png": "cats", "002.png": "cats" });
		for (const page of [1, -1, 0.5, "__proto__"])
			receive({ method: "custom", content: { ask: "confirm", view: "v", page } });
		assert.equal((await answer({ ask: "undo", page: 1 })).type, "changed");
	});

	test("has a small state for 100,000 proposals, and shows a grid or the decisions where widgets are not", async () => {
		const proposals = await proposalsOf(3, 0);
		const many = Array.from({ length: 100_000 }, (_, i) => ({ ...proposals[0], path: `${proposals[0].path}${i}` }));
		await reviewPages(many, { classNames, journal });
		assert.ok(JSON.stringify(state).length < 60_000);
		assert.equal(state.total, 4167);
		assert.match(outputs.at(-1)?.data["text/html"] ?? "", /<p>… 99,976 more images<\/p>/);
		setKernel();
		const options = { classNames, journal, pageSize: 2 };
		assert.match(await printed(() => reviewPages(proposals, options)), /^\[image 1\] cats\?.*\n.*\n… 1 more image$/);
		await journal.decideAll([{ path: proposals[2].path, to: "cats", proposedBy: "pseudo-label" }]);
		assert.match(await printed(() => reviewPages(proposals, options)), /002\.png\tnone\tcats\tpseudo-label\t/);
		assert.equal(await printed(() => reviewPages([], options)), "");
		setKernel(kernel);
	});
});

describe("in a browser", { skip: noBrowser }, () => {
	let browser: Browser;
	let page: Page;
	before(async () => {
		browser = await launchBrowser();
	});
	after(() => browser?.close());
	afterEach(() => page?.close());

	/** Opens the panel of proposals in a page whose model speaks to the kernel's side. */
	async function open(proposals: Suspect[], pageSize: number): Promise<Suspect[]> {
		const marked = await reviewPages(proposals, { classNames, journal, pageSize });
		page = await browser.newPage({ viewport: { width: 1000, height: 900 } });
		await page.setContent('<html lang="en"><title>Pages</title><main><h1>Pages</h1><div id="el"></div></main></html>');
		const { _esm, _css, ...values } = state;
		await page.addStyleTag({ content: String(_css) });
		await page.addScriptTag({ path: join(root, "node_modules", "axe-core", "axe.min.js") });
		await page.exposeFunction("toKernel", (content: object) => receive({ method: "custom", content }));
		forward = (content, { _esm, _css, ...now }) =>
			void page.evaluate(`window.fromKernel(${JSON.stringify(content)}, ${JSON.stringify(now)})`).catch(() => {});
		await page.evaluate(`(async () => {
			const { default: widget } = await import("data:text/javascript;base64,${Buffer.from(String(_esm)).toString("base64")}");
			let values = ${JSON.stringify(values)};
			const own = {};
			const listeners = {};
			window.fromKernel = (content, state) => {
				values = { ...state, ...own };
				listeners[content.type === "state" ? "change:decided" : "msg:custom"]?.(content);
			};
			const model = {
				get: (name) => values[name],
				set(name, value) { own[name] = values[name] = value; },
				save_changes() {},
				send: (content) => window.toKernel(content),
				on(name, listener) { listeners[name] = listener; },
				off() {},
			};
			widget.render({ el: document.querySelector("#el"), model });
		})()`);
		await page.locator(".icn-pages-grid:focus").waitFor();
		await shows(0);
		return marked;
	}
	const shows = (number: number) =>
		page.locator(`.icn-pages[data-page="${number}"]:not([data-waits], [data-decides])`).waitFor();
	const options = () => page.getByRole("option");
	const titles = async (selector: string) => {
		const found = await page.locator(selector).all();
		return Promise.all(found.map(async (option) => basename((await option.getAttribute("title")) ?? "")));
	};
	const selected = () => titles("[aria-selected='true']");
	const active = async () => (await titles(".icn-pages-active"))[0];
	const violations = () =>
		page.evaluate<string[]>(
			"axe.run('#el').then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes[0].html))",
		);

	test("keys move, mark, confirm and take back; the page is in the journal and in training", async () => {
		const marked = await open(await proposalsOf(12, 5), 8);
		await page.getByText("8 images proposed as cats").first().waitFor();
		assert.equal(await page.locator(".icn-review-progress").innerText(), "Page 1 of 3, 0 of 17 images decided");
		assert.equal(await active(), "000.png");
		const columns = await page.evaluate<number>(
			"getComputedStyle(document.querySelector('.icn-pages-grid')).gridTemplateColumns.split(' ').length",
		);
		for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft", "Space"]) await page.keyboard.press(key);
		assert.deepEqual(await selected(), ["001.png"]);
		await page.keyboard.press("End");
		await page.keyboard.press("ArrowRight");
		assert.equal(await active(), "007.png");
		await page.keyboard.press("ArrowUp");
		assert.equal(await active(), columns < 8 ? `00${7 - columns}.png` : "007.png");
		await options().nth(4).click();
		await options().nth(1).click();
		assert.deepEqual(await selected(), ["004.png"]);
		assert.deepEqual(await violations(), []);
		await page.keyboard.press("Enter");
		await shows(1);
		const { "004.png": _, ...expected } = names(0, 8, "cats");
		assert.deepEqual([held(), lines(), marked.map(({ path }) => basename(path))], [expected, 7, ["004.png"]]);
		assert.equal(await page.locator(".icn-review-progress").innerText(), "Page 2 of 3, 7 of 17 images decided");
		// Back to it, with its mark.
		await page.keyboard.press("u");
		await shows(0);
		assert.deepEqual([held(), marked, await selected()], [{}, [], ["004.png"]]);
		await page.keyboard.press("PageDown");
		await shows(1);
		await page.keyboard.press("Enter");
		await shows(2);
		await page.keyboard.press("Enter");
		await page.getByText("This is the end. 8 are undecided.").first().waitFor();
		assert.deepEqual(await violations(), []);
		await page.getByRole("button", { name: "To the first page" }).click();
		await shows(0);
		await page.locator(".icn-pages-grid:focus").waitFor();
		await page.keyboard.press("Enter");
		await page.getByText("Marked as wrong: 1, to be labelled one by one.").first().waitFor();
		assert.deepEqual(held(), { ...expected, ...names(8, 12, "cats"), ...names(12, 17, "dogs") });
		const { filePaths } = imageDatasetFromDirectory(join(dataset, "train"), { verbose: false });
		assert.equal(filePaths.filter((path) => path.includes("unlabelled")).length, 16);
		await page.keyboard.press("u");
		await shows(0);
		assert.equal(Object.keys(held()).length, 9);
	});

	test("an image that cannot be shown says why, names are shown as they are written, and z zooms", async () => {
		const proposals = await proposalsOf(3, 0);
		rmSync(proposals[1].path);
		await open([...proposals, { ...proposals[0], path: "<i>x</i>.png" }], 24);
		assert.match(await options().nth(1).innerText(), /No image\s+there is no such file/);
		await page.keyboard.press("End");
		assert.equal(await page.locator(".icn-review-path span").first().innerText(), "<i>x</i>.png");
		assert.equal(await page.locator(".icn-review-path span").last().innerText(), "The network says <b>so</b>.");
		await page.keyboard.press("Home");
		await page.keyboard.press("z");
		await page.locator(".icn-review-zoom img").waitFor();
		await page.keyboard.press("Enter");
		await page.locator(".icn-review-zoom").waitFor({ state: "hidden" });
		await page.locator(".icn-pages-grid:focus").waitFor();
		assert.deepEqual(held(), {});
		// Its page cannot be confirmed with images that are not there.
		await page.keyboard.press("Enter");
		await page.locator(".icn-review-error", { hasText: "001.png" }).waitFor();
		await shows(0);
	});

	test("fits narrow windows, light and dark", async () => {
		await open(await proposalsOf(24, 0), 24);
		await page.keyboard.press("Space");
		for (const colorScheme of ["light", "dark"] as const)
			for (const width of [1400, 400]) {
				await page.emulateMedia({ colorScheme });
				await page.addStyleTag({ content: ":root { color-scheme: light dark }" });
				await page.setViewportSize({ width, height: 900 });
				const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
				assert.equal(overflow, 0);
				assert.deepEqual(await violations(), []);
				if (process.env.SCREENSHOTS)
					await page.screenshot({ path: join(process.env.SCREENSHOTS, `pages-${colorScheme}-${width}.png`) });
			}
	});
});
