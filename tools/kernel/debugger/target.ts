// The main thread's side of the debugger: what the control thread asks of it, also while a cell is stopped. Then nothing
// else runs here, so all of it answers at once.
import { runInThisContext } from "node:vm";
import type { TypeScript } from "../compile-cache";
import { toBundle } from "../display";
import type { Executor } from "../executor";
import type { Stacks } from "../stacks";
import { printDirectly } from "./console";
import { shortText, type Variable } from "./describe";
import { compileExpression } from "./expressions";
import { BUSY, PATIENCE } from "./protocol";
import { isPlace, type Located, type Position, type ScriptPlaces, type ScriptPosition, Sources } from "./sources";
import { breakablePositions, catchRegions, type Region } from "./syntax";
import { type Page, Scope, Variables } from "./variables";

export interface Scopes {
	name: string;
	variablesReference: number;
	expensive: boolean;
}

/** What a variable's `Jupyter.display` says, or its text. */
export interface RichVariable {
	data: Record<string, unknown>;
	metadata: object;
}

/** The parts of the kernel that the debugger looks into. */
export interface Debuggee {
	stacks: Stacks;
	executor: Executor;
	typescript: () => TypeScript;
	/** Publishes a message of a debug request, and while a cell runs another one. */
	publish: (frames: Buffer[], whileBusy?: Buffer[]) => void;
	/** Tells the control thread that there are new scripts. */
	announce: () => void;
}

export class Target {
	private readonly sources: Sources;
	private readonly variables = new Variables();
	/** Those of the stop: nothing else refers to them. */
	private scopesOfStop: Scope[] = [];
	private proceed = () => {};
	private restoreConsole = () => {};

	constructor(private readonly debuggee: Debuggee) {
		this.sources = new Sources(debuggee.stacks.origins);
	}

	/** @param frames in base64 */
	publish(frames: string[], whileBusy?: string[]): void {
		const decode = (encoded: string[]) => encoded.map((frame) => Buffer.from(frame, "base64"));
		this.debuggee.publish(decode(frames), whileBusy && decode(whileBusy));
	}

	/** From now on, cells wait before they run until the control thread has set the breakpoints in them, or no longer. */
	attach(isAttached: boolean): void {
		const { executor, announce } = this.debuggee;
		this.proceed();
		this.restoreConsole();
		this.restoreConsole = isAttached ? printDirectly() : () => {};
		const wait = () =>
			new Promise<void>((resolve) => {
				this.proceed = resolve;
				announce();
			});
		executor.beforeRun = isAttached ? wait : undefined;
	}

	/** Lets the cell run that waits. Not within this call: V8 would stop in the middle of it. */
	run(): void {
		setImmediate(() => this.proceed());
	}

	dump(code: string): string {
		return this.sources.dump(code);
	}

	source(path: string): string | undefined {
		return this.sources.textAt(path);
	}

	modules(): { name: string; path: string }[] {
		return this.sources.modules;
	}

	/** The scripts that are new, and whether one of them has the statement `debugger`. */
	fresh(): { scripts: string[]; haveStatement: boolean } {
		return this.sources.fresh();
	}

	/** Moves lines to where a breakpoint can stand; undefined for what is no TypeScript or JavaScript. */
	breakable(path: string, lines: number[]): (Position | null)[] | undefined {
		const text = /\.[cm]?[jt]s$/.test(path) ? this.sources.textAt(path) : undefined;
		if (text === undefined) return undefined;
		const positions = breakablePositions(this.compiler(), text);
		return lines.map((line) => positions.find((position) => position.line >= line) ?? null);
	}

	toScripts(path: string, positions: Position[], among?: string[]): ScriptPlaces[] {
		return this.sources.toScripts(path, positions, among);
	}

	toSources(frames: { script: string; position: ScriptPosition; functionName: string }[]): Located[] {
		return frames.map(({ script, position, functionName }) => {
			const located = this.sources.toSource(script, position);
			// By such a function the compiler hands on what is imported or exported from another module.
			const handsOn = functionName === "get" && isPlace(located) && this.sources.isImport(located);
			return handsOn ? "kernel" : located;
		});
	}

	catchRegions(javascript: string): Region[] {
		return catchRegions(this.compiler(), javascript);
	}

	/** @param path of the code in whose words the expression is. Default: that of a new cell */
	compile(expression: string, path?: string): string {
		const text = path === undefined ? undefined : this.sources.textAt(path);
		return compileExpression(
			this.compiler(),
			expression,
			(name) => Object.hasOwn(this.debuggee.executor.exports, name),
			text,
		);
	}

	/** The variables that cells share. */
	session(): Variable[] {
		return this.variables.children(this.variables.referenceTo(new Scope(this.shared())));
	}

	unfold(reference: number, page: Page): Variable[] {
		return this.variables.children(reference, page);
	}

	/** Forgets the scopes of the last stop. */
	leave(): void {
		this.scopesOfStop = [];
	}

	/**
	 * The scopes of a stopped function.
	 *
	 * @param types those of V8, of the inner scopes first
	 * @param self what `this` is
	 * @param objects the scopes' variables
	 */
	scopes(path: string, types: string[], self: unknown, ...objects: object[]): Scopes[] {
		const text = this.sources.textAt(path) ?? "";
		const merge = (isPart: (type: string) => boolean) => {
			const merged = new Map<string, unknown>();
			for (const [i, object] of objects.entries()) {
				if (!isPart(types[i])) continue;
				for (const name of Object.keys(object)) {
					// What the compiler and the kernel added is not in the text.
					if (!merged.has(name) && hasWord(text, name)) merged.set(name, valueIn(object, name));
				}
			}
			return [...merged];
		};
		const locals = merge((type) => type !== "closure" && type !== "global" && type !== "script");
		if (hasWord(text, "this") && self !== globalThis) locals.push(["this", self]);
		const closure = merge((type) => type === "closure");
		const named: [string, [string, unknown][]][] = [["Locals", locals]];
		if (closure.length > 0) named.push(["Closure", closure]);
		named.push(["Globals", this.shared()]);
		return named.map(([name, variables]) => {
			const scope = new Scope(variables);
			this.scopesOfStop.push(scope);
			return { name, variablesReference: this.variables.referenceTo(scope), expensive: false };
		});
	}

	describe(name: string, value: unknown): Variable {
		return this.variables.describe(name, value);
	}

	/** @throws what the expression throws */
	evaluate(expression: string): Variable {
		return this.describe(expression, this.valueOf(expression));
	}

	/** Returns what the display of a variable shows. */
	async rich(name: string): Promise<RichVariable> {
		const value = this.valueOf(name);
		return { data: value === null || value === undefined ? asText(value) : await toBundle(value), metadata: {} };
	}

	/** Returns what the display of a value shows, or its text where that takes an `await`. */
	richAtOnce(value: unknown): RichVariable {
		const bundle = value === null || value === undefined ? asText(value) : toBundle(value);
		return { data: bundle instanceof Promise ? asText(value) : bundle, metadata: {} };
	}

	/** Gives a variable to all cells. */
	share(name: string, value: unknown): void {
		this.debuggee.executor.share(name, value);
	}

	/** @throws BUSY while it is at work: V8 also asks in the middle of that, and it cannot do two things at once */
	private compiler(): TypeScript {
		if (isCalledFrom(/\/typescript\/lib\//)) throw new Error(BUSY);
		return this.debuggee.typescript();
	}

	private valueOf(expression: string): unknown {
		return runInThisContext(this.compile(expression), { timeout: PATIENCE, displayErrors: false });
	}

	/** The variables that cells share: their own, then their functions, then what they import. */
	private shared(): [name: string, value: unknown][] {
		const groups: [name: string, value: unknown][][] = [[], [], []];
		const accessors = Object.getOwnPropertyDescriptors(this.debuggee.executor.exports);
		for (const [name, { get, set }] of Object.entries(accessors)) {
			// The value of a cell's last expression is none's.
			if (!get) continue;
			try {
				const value: unknown = get();
				groups[set ? Number(typeof value === "function") : 2].push([name, value]);
			} catch {
				// Its cell failed before it came to it.
			}
		}
		return groups.flat();
	}
}

/** The value of a variable in a scope; of one whose declaration is still to come, V8 says nothing or throws. */
function valueIn(scope: object, name: string): unknown {
	try {
		return Reflect.get(scope, name);
	} catch {
		return undefined;
	}
}

/** Whether a function of a file is on the stack. */
function isCalledFrom(file: RegExp): boolean {
	const { prepareStackTrace, stackTraceLimit } = Error;
	Error.stackTraceLimit = Number.POSITIVE_INFINITY;
	Error.prepareStackTrace = (_, frames) => frames.some((frame) => file.test(frame.getFileName() ?? ""));
	try {
		return (new Error() as { stack: unknown }).stack as boolean;
	} finally {
		Object.assign(Error, { prepareStackTrace, stackTraceLimit });
	}
}

const asText = (value: unknown) => ({ "text/plain": shortText(value) });

const hasWord = (text: string, name: string) =>
	new RegExp(`(?<![\\w$])${name.replaceAll("$", "\\$")}(?![\\w$])`).test(text);
