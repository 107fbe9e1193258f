// The kernel's side of the review panel; test/notebooks/review.test.ts has it in JupyterLab.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, mock, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import type { ReviewDecision } from "../../src/display/review-decisions";
import { type ReviewJournal, reviewPanel } from "../../src/display/review-panel";
import type { Suspect } from "../../src/review/suspects";
import { browserScript } from "../../src/support/browser-script";
import { launchBrowser, noBrowser } from "../browser";
import { bomb, imageFolder, printed, root, temporaryFolder } from "../helpers";
import { until } from "../processes";

type Output = { type: string; data: Record<string, string>; transient: { display_id?: string } };
type Content = { type: string; view?: string; [name: string]: unknown };
type Image = { url?: string; width?: number; height?: number; reason?: string };
const kernelSymbol = Symbol.for("tslab.kernel");
let outputs: Output[] = [];
let sent: Content[] = [];
let opened: { target: string; state: Record<string, unknown>; metadata: object } | undefined;
let receive: (data: object) => void = () => {};

/** A kernel that records outputs and what is sent to the front end. */
const recorder = {
	current: () => ({
		publish: (type: string, content: Omit<Output, "type">) => outputs.push({ type, ...content }),
		signal: new AbortController().signal,
	}),
	openComm(target: string, data: { state: Record<string, unknown> }, options: { metadata: object; onMessage(): void }) {
		opened = { target, state: data.state, metadata: options.metadata };
		receive = options.onMessage;
		const send = ({ content, state }: { content?: Content; state?: object }) =>
			sent.push(content ?? { type: "state", ...state });
		return { id: "panel", send, close() {} };
	},
};
const setKernel = (kernel?: object) => Object.assign(globalThis, { [kernelSymbol]: kernel });
before(() => setKernel(recorder));
after(() => setKernel());
afterEach(() => {
	outputs = [];
	sent = [];
});

/** A journal in memory; `fails` is what it throws instead. */
function memoryJournal() {
	const held = new Map<string, ReviewDecision>();
	const calls: object[] = [];
	const journal: ReviewJournal & { fails?: Error } = {
		async decide({ path, ...decision }) {
			if (journal.fails) throw journal.fails;
			calls.push({ path, ...decision });
			const made = { ...decision, time: new Date(Date.UTC(2026, 0, 1, 0, calls.length)).toISOString() };
			held.set(path, made);
			return made;
		},
		async undo(path) {
			if (journal.fails) throw journal.fails;
			calls.push({ path, undo: true });
			held.delete(path);
		},
		decisionOf: (path) => held.get(path) ?? null,
	};
	return { journal, calls };
}

const plain = join(imageFolder, "cats", "plain.jpg");
const bitmap = join(imageFolder, "dogs", "bitmap.bmp");
const suspect = (path: string, changes: Partial<Suspect> = {}): Suspect => ({
	...{ path, label: "cats", suggested: "dogs", kind: "label issue", score: 0.125, why: "A short sentence." },
	neighbours: [plain, bitmap],
	...changes,
});
const classNames = ["cats", "dogs"];

/** Sends a view's message and returns the answer. */
async function answer(content: { ask: string; index: number; [name: string]: unknown }): Promise<Content> {
	const before = sent.length;
	receive({ method: "custom", content: { view: "v", ...content } });
	const isAnswer = ({ type }: Content) => type !== "state";
	await until("there is an answer", () => sent.slice(before).some(isAnswer), 20);
	return sent.slice(before).find(isAnswer) as Content;
}

test("the panel is anywidget's model, with its module, its style and where it starts", async () => {
	const { journal } = memoryJournal();
	const suspects = [suspect("a.jpg"), suspect("b.jpg"), suspect("c.jpg")];
	await journal.decide({ path: "a.jpg", to: "dogs", proposedBy: "label issue" });
	await reviewPanel(suspects, { classNames, journal });
	const { target, state, metadata } = opened as NonNullable<typeof opened>;
	assert.deepEqual([target, metadata], ["jupyter.widget", { version: "2.1.0" }]);
	const { _esm, _css, ...small } = state;
	const { default: module } = await import(`data:text/javascript,${encodeURIComponent(String(_esm))}`);
	assert.equal(typeof module.render, "function");
	assert.match(String(_css), /\.icn-review-fallback/);
	const version = /^anywidget==(\d+\.\d+)\.\d+ /m.exec(readFileSync(join(root, "requirements.txt"), "utf8"))?.[1];
	assert.deepEqual(small, {
		_model_module: "anywidget",
		_model_name: "AnyModel",
		_model_module_version: `~${version}.*`,
		_view_module: "anywidget",
		_view_name: "AnyView",
		_view_module_version: `~${version}.*`,
		_anywidget_id: "image-classification.review-panel",
		...{ classNames, total: 3, decided: 1, index: 1, isNew: true },
	});
	const [panel, fallback] = outputs;
	assert.deepEqual(panel.data, {
		"application/vnd.jupyter.widget-view+json": { model_id: "panel", version_major: 2, version_minor: 0 },
		"text/html": "",
		"text/plain": "Review of 3 suspect images, 1 decided",
	});
	assert.match(fallback.data["text/html"], /^<div class="icn-review-fallback"><table/);
});

test("an item has its image, its neighbours with their classes, and what to fetch ahead; bad files have a reason", async () => {
	const { journal } = memoryJournal();
	const folder = temporaryFolder();
	const [large, empty, broken, huge] = ["large.jpg", "empty.jpg", "broken.png", "bomb.png"].map((name) =>
		join(folder, name),
	);
	await sharp({ create: { width: 900, height: 600, channels: 3, background: "red" } })
		.jpeg()
		.toFile(large);
	writeFileSync(empty, "");
	writeFileSync(broken, "no image");
	writeFileSync(huge, bomb);
	const missing = join(folder, "missing.jpg");
	const paths = [large, bitmap, missing, empty, broken, huge, folder];
	await journal.decide({ path: plain, to: "dogs", proposedBy: "outlier" });
	await reviewPanel(
		paths.map((path) => suspect(path)),
		{ classNames, journal },
	);
	const { image, neighbours, ahead, decision, ...rest } = await answer({ ask: "item", index: 0 });
	const { url, width, height } = image as Image;
	const metadata = await sharp(Buffer.from(String(url).split(",")[1], "base64")).metadata();
	assert.deepEqual([width, height, metadata.width, metadata.height], [900, 600, 512, 341]);
	assert.deepEqual(
		(neighbours as { path: string; label: string; image: Image }[]).map(({ path, label, image }) => [
			path,
			label,
			!!image.url,
		]),
		[
			[plain, "dogs", true],
			[bitmap, "dogs", true],
		],
	);
	assert.deepEqual([ahead, decision, rest.type, rest.path], [[1, 2, 3], null, "item", large]);
	assert.match(
		String(((await answer({ ask: "item", index: 1 })).image as Image).url),
		/^data:image\/(png|jpeg);base64,/,
	);
	const reasons: unknown[] = [];
	for (let index = 2; index < paths.length; index++) {
		reasons.push(((await answer({ ask: "item", index })).image as Image).reason);
	}
	assert.deepEqual(reasons.slice(0, 3), ["there is no such file", "the file is empty", "the start of no known format"]);
	for (const reason of reasons) assert.match(String(reason), /^[^\n]{3,}$/);
	const zoomed = (await answer({ ask: "image", index: 0 })).image as Image;
	const full = await sharp(Buffer.from(String(zoomed.url).split(",")[1], "base64")).metadata();
	assert.deepEqual([full.width, full.height], [900, 600]);
});

test("a decision is in the journal before the panel shows it; undo takes the last one back", async () => {
	const { journal, calls } = memoryJournal();
	const heard: unknown[] = [];
	const suspects = ["a", "b", "c", "a"].map((path) => suspect(path));
	await reviewPanel(suspects, {
		...{ classNames, journal },
		onDecision: ({ path }, decision) => heard.push([path, decision?.to]),
	});
	const first = await answer({ ask: "decide", index: 0, to: "dogs", note: "clear" });
	// The image is in the queue twice: both are decided.
	assert.deepEqual([first.type, first.path, first.following, first.decided], ["changed", "a", 1, 2]);
	assert.deepEqual(calls, [{ path: "a", to: "dogs", proposedBy: "label issue", note: "clear" }]);
	assert.deepEqual(sent.at(-2), { type: "state", decided: 2 });
	const left = await answer({ ask: "decide", index: 2, to: null });
	assert.deepEqual([left.following, left.decided, (left.decision as ReviewDecision).to], [4, 3, null]);
	// From an undecided image, and from the end.
	const undone = await answer({ ask: "undo", index: 1 });
	assert.deepEqual([undone.index, undone.following, undone.decision, undone.decided], [2, 2, null, 2]);
	assert.equal((await answer({ ask: "undo", index: 4 })).path, "a");
	assert.equal((await answer({ ask: "undo", index: 4 })).reason, "nothing is decided yet");
	assert.deepEqual(heard, [
		["a", "dogs"],
		["c", null],
		["c", undefined],
		["a", undefined],
	]);

	journal.fails = new Error("labels.jsonl cannot be written: the disk is full\n  at somewhere");
	const failed = await answer({ ask: "decide", index: 0, to: "cats" });
	assert.deepEqual([failed.type, failed.reason], ["failed", "labels.jsonl cannot be written: the disk is full"]);
	assert.equal((await answer({ ask: "item", index: 0 })).decision, null);
	assert.equal(heard.length, 4);
});

test("what is neither a class nor the suggestion is refused, and what is no suspect has no answer", async () => {
	const { journal, calls } = memoryJournal();
	await reviewPanel([suspect("a", { suggested: null })], { classNames, journal });
	for (const to of ["birds", undefined, 1, {}]) {
		assert.match(String((await answer({ ask: "decide", index: 0, to })).reason), /is no class$/);
	}
	for (const index of [1, -1, 0.5, "__proto__"]) {
		receive({ method: "custom", content: { ask: "decide", view: "v", index, to: "cats" } });
	}
	await setTimeout(20);
	assert.deepEqual([calls, sent.length], [[], 4]);
});

test("decisions are kept in the order of the keys", async () => {
	const { journal, calls } = memoryJournal();
	const { decide } = journal;
	journal.decide = async (decision) => {
		// The first one takes longest.
		await setTimeout(calls.length === 0 ? 30 : 0);
		return decide(decision);
	};
	await reviewPanel(
		["a", "b", "c"].map((path) => suspect(path)),
		{ classNames, journal },
	);
	for (const index of [0, 1, 2]) {
		receive({ method: "custom", content: { ask: "decide", view: "v", index, to: "cats" } });
	}
	await until("all are decided", () => calls.length === 3);
	assert.deepEqual(
		calls.map((call) => (call as { path: string }).path),
		["a", "b", "c"],
	);
});

test("with 100,000 suspects state and messages stay small", async () => {
	const { journal } = memoryJournal();
	const suspects = Array.from({ length: 100_000 }, (_, i) => suspect(i % 2 ? plain : bitmap + i, { neighbours: [] }));
	await reviewPanel(suspects, { classNames, journal });
	assert.ok(JSON.stringify(opened?.state).length < 60_000);
	assert.ok(JSON.stringify(outputs).length < 1_000_000);
	const started = performance.now();
	const decided = await answer({ ask: "decide", index: 99_998, to: "cats" });
	assert.equal(decided.following, 99_999);
	assert.ok(performance.now() - started < 1000);
});

test("without widgets it is the decisions so far, or else the first suspects; names are shown as they are written", async () => {
	const { journal } = memoryJournal();
	const name = "<b>cats</b>$x$";
	const suspects = [
		suspect(plain, { label: name, suggested: "<i>dogs</i>", why: "<script>" }),
		suspect("<img src=x>.jpg", { label: name }),
		...["c", "d", "e"].map((path) => suspect(path)),
	];
	await reviewPanel(suspects, { classNames, journal, pageSize: 2 });
	const isFallback = ({ transient }: Output) => transient.display_id !== undefined;
	// Panels of earlier tests make their tables again meanwhile.
	const first = outputs.findLast((output) => output.type === "display_data" && isFallback(output)) as Output;
	const updates = () => outputs.filter((o) => o !== first && o.transient.display_id === first.transient.display_id);
	assert.equal(first.data["text/html"].match(/<figure /g)?.length, 2);
	assert.match(first.data["text/html"], /&lt;b&gt;cats&lt;\/b&gt;\$x\$ → &lt;i&gt;dogs&lt;\/i&gt;\?/);
	assert.match(first.data["text/html"], /<p>… 3 more images<\/p><\/div>$/);
	assert.match(first.data["text/plain"], /^\[image 1\] <b>cats<\/b>.*\n.*\n… 3 more images$/);
	assert.doesNotMatch(first.data["text/html"], /<(b|i|script)>|<img src=x/);

	mock.timers.enable({ apis: ["setTimeout"] });
	await answered(() => receive({ method: "custom", content: { ask: "decide", view: "v", index: 0, to: "dogs" } }));
	await answered(() => receive({ method: "custom", content: { ask: "decide", view: "v", index: 1, to: null } }));
	mock.timers.tick(2000);
	mock.timers.reset();
	await until("the table is made again", () => updates().length === 1);
	const [{ type, data }] = updates();
	assert.equal(type, "update_display_data");
	assert.deepEqual(data["text/plain"].split("\n"), [
		"image\tclass before\tclass after\tproposed by\tdecided\tnote",
		`<img src=x>.jpg\t${name}\tleft out\tlabel issue\t2026-01-01 00:02 UTC\t`,
		`${plain}\t${name}\tdogs\tlabel issue\t2026-01-01 00:01 UTC\t`,
	]);
	assert.match(data["text/html"], /<img src="data:image\/\w+;base64,[^"]+" alt="[^"]+plain\.jpg"/);
	assert.match(data["text/html"], /&lt;img src=x&gt;\.jpg<br><small>there is no such file/);
	setKernel();
	assert.equal(await printed(() => reviewPanel(suspects, { classNames, journal })), data["text/plain"]);
	setKernel(recorder);
});

/** Waits for an answer with immediates, since the timers are mocked. */
async function answered(work: () => void): Promise<void> {
	const before = sent.length;
	work();
	while (!sent.slice(before).some(({ type }) => type === "changed")) await new Promise(setImmediate);
}

describe("in a browser, with a model of a few lines,", { skip: noBrowser }, () => {
	const names = Array.from({ length: 12 }, (_, i) => `class ${String.fromCharCode(97 + i)}`);
	let browser: Browser;
	let page: Page;
	const state = () => page.evaluate<{ decisions: (string | null)[] }>("window.sent");
	before(async () => {
		browser = await launchBrowser();
		page = await browser.newPage();
		const folder = join(root, "src", "display", "page");
		const module = browserScript(join(folder, "review-panel.mjs"), { format: "esm" });
		const css = readFileSync(join(folder, "review-panel.css"), "utf8");
		await page.setContent(
			'<html lang="en"><title>Review</title><main><h1>Review</h1><div id="el"></div></main></html>',
		);
		await page.addStyleTag({ content: css });
		await page.addScriptTag({ path: join(root, "node_modules", "axe-core", "axe.min.js") });
		await page.evaluate(`(async () => {
			const { default: widget } = await import("data:text/javascript;base64,${Buffer.from(module).toString("base64")}");
			const decisions = [null, null, null].map(() => undefined);
			window.sent = { decisions };
			const listeners = {};
			const count = () => decisions.filter((to) => to !== undefined).length;
			const ahead = (index) => decisions.flatMap((to, i) => (to === undefined && i > index ? [i] : []));
			const decisionOf = (i) => (decisions[i] === undefined ? null : { to: decisions[i] });
			const item = (index) => ({
				type: "item", index, path: index + ".jpg", label: index === 2 ? null : "class a", suggested: "class b", kind: "leak", score: 1, why: "Why.",
				image: { reason: "none" }, neighbours: [], decision: decisionOf(index), ahead: ahead(index),
			});
			const reply = ({ view, ask, index, to }) => {
				if (ask === "item") return { view, ...item(index) };
				decisions[index] = ask === "undo" ? undefined : to;
				const following = ask === "undo" ? index : (ahead(index)[0] ?? 3);
				return { type: "changed", view, index, path: index + ".jpg", decision: decisionOf(index), following, decided: count() };
			};
			const values = { classNames: ${JSON.stringify(names)}, total: 3, decided: 0, index: 0, isNew: true };
			widget.render({
				el: document.querySelector("#el"),
				model: {
					get: (name) => values[name],
					set(name, value) { values[name] = value; },
					save_changes() {},
					send: (content) => setTimeout(() => listeners["msg:custom"](reply(content))),
					on(name, listener) { listeners[name] = listener; },
					off() {},
				},
			});
		})()`);
		await page.locator(".icn-review:focus:not([data-waits])").waitFor();
	});
	after(() => browser?.close());

	test("a search field finds the classes after the ninth, and the end leads to what is undecided", async () => {
		assert.equal(await page.locator(".icn-review-classes button").count(), 9);
		await page.keyboard.press("c");
		await page.keyboard.type("s k");
		assert.deepEqual(await page.locator(".icn-review-matches li").allInnerTexts(), ["class k"]);
		await page.keyboard.press("Enter");
		await page.locator(".icn-review[data-index='1']").waitFor();
		await page.keyboard.press("ArrowRight");
		await page.keyboard.press("9");
		await page.getByText("This is the end. 1 of 3 is undecided.").first().waitFor();
		await page.getByRole("button", { name: "To the first undecided image" }).click();
		await page.locator(".icn-review[data-index='1']").waitFor();
		await page.keyboard.press("x");
		await page.getByText("All 3 are decided.").first().waitFor();
		assert.deepEqual((await state()).decisions, ["class k", null, "class i"]);
	});

	test("an unlabelled image has no class to keep", async () => {
		await page.keyboard.press("ArrowLeft");
		await page.locator(".icn-review[data-index='2']").waitFor();
		assert.equal(await page.locator(".icn-review-label").first().innerText(), "—");
		assert.match(await page.locator(".icn-review-decision").innerText(), /^Decided: class i/);
		assert.equal(await page.getByRole("button", { name: "Nothing to keep" }).getAttribute("aria-disabled"), "true");
		await page.keyboard.press("k");
		await page.getByText("This image has no class to keep.").waitFor({ state: "attached" });
		assert.deepEqual((await state()).decisions, ["class k", null, "class i"]);
		await page.keyboard.press("ArrowRight");
	});

	test("axe finds nothing, on an image and at the end, with a note open", async () => {
		for (const keys of [[], ["ArrowLeft", "n"]]) {
			for (const key of keys) await page.keyboard.press(key);
			const found = await page.evaluate<string[]>(
				"axe.run('#el').then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes[0].html))",
			);
			assert.deepEqual(found, []);
		}
	});
});
