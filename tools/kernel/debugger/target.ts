// The main thread's side of the debugger: what the control thread asks of it, also while a cell is stopped. Then nothing
// else runs here, so all of it answers at once.
import { runInThisContext } from "node:vm";
import type { TypeScript } from "../compile-cache";
import { toBundle } from "../display";
import type { Executor } from "../executor";
import type { Stacks } from "../stacks";
import { printDirectly } from "./console";
import { errorText, longText, shortText, type Variable } from "./describe";
import { compileExpression } from "./expressions";
import { callers, checkInterruption } from "./interruption";
import { type Answer, BUSY, PATIENCE } from "./protocol";
import type { Method } from "./remote";
import { scopesOf } from "./scopes";
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
	publish: (frames: string[], whileBusy?: string[]) => void;
	/** Tells the control thread that a cell is to run, or has run. */
	announce: (event: "begin" | "end") => void;
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

	/**
	 * Calls a method.
	 *
	 * @param interrupts whether V8 may be asking in the middle of other code
	 * @returns an `Answer` as JSON: V8 takes long for large objects of its own
	 */
	answer(interrupts: boolean, method: Method, ...args: unknown[]): string | Promise<string> {
		try {
			if (interrupts) checkInterruption(method);
			const result = (this[method] as (...args: unknown[]) => unknown)(...args);
			return result instanceof Promise ? result.then(resultJson).catch(errorJson) : resultJson(result);
		} catch (error) {
			return errorJson(error);
		}
	}

	publish(frames: string[], whileBusy?: string[]): void {
		this.debuggee.publish(frames, whileBusy);
	}

	/**
	 * From now on, cells wait before they run until the control thread has set the breakpoints in them, or no longer.
	 *
	 * @returns whether a cell runs now
	 */
	attach(isAttached: boolean): boolean {
		const { executor, announce } = this.debuggee;
		this.proceed();
		this.restoreConsole();
		this.restoreConsole = isAttached ? printDirectly() : () => {};
		const begin = () =>
			new Promise<void>((resolve) => {
				this.proceed = resolve;
				announce("begin");
			});
		executor.observer = isAttached ? { begin, end: () => announce("end") } : undefined;
		return executor.isRunning;
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
		const named = { ...scopesOf(text, types, self, objects), Globals: this.shared() };
		return Object.entries(named).map(([name, variables]) => {
			const scope = new Scope(variables);
			this.scopesOfStop.push(scope);
			return { name, variablesReference: this.variables.referenceTo(scope), expensive: false };
		});
	}

	/** Describes a value by more of it than a list of variables shows. */
	describe(name: string, value: unknown): Variable {
		return { ...this.variables.describe(name, value), value: longText(value) };
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

	/** @throws BUSY in the middle of its work */
	private compiler(): TypeScript {
		if (callers().some((file) => file.includes("/typescript/lib/"))) throw new Error(BUSY);
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

const resultJson = (result: unknown) => JSON.stringify({ result } satisfies Answer);

const errorJson = (error: unknown) =>
	JSON.stringify({ error: errorText(error, Number.POSITIVE_INFINITY).replace(/^Error: /, "") } satisfies Answer);

const asText = (value: unknown) => ({ "text/plain": shortText(value) });
