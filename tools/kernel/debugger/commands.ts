// The commands of the debug adapter protocol that are answered, and what the debugger says that it can do.
import type { Source, SourceBreakpoint } from "./protocol";
import type { Page } from "./variables";

/** The arguments of the commands. */
export interface Commands {
	initialize: object;
	attach: object;
	configurationDone: object;
	disconnect: object;
	terminate: object;
	debugInfo: object;
	dumpCell: { code: string };
	source: { source?: Source };
	modules: object;
	setBreakpoints: { source: Source; breakpoints?: SourceBreakpoint[] };
	setExceptionBreakpoints: { filters: string[] };
	threads: object;
	stackTrace: { startFrame?: number; levels?: number };
	scopes: { frameId: number };
	variables: { variablesReference: number } & Page;
	inspectVariables: object;
	richInspectVariables: { variableName: string; frameId?: number };
	evaluate: { expression: string; frameId?: number };
	copyToGlobals: { srcVariableName: string; dstVariableName: string; srcFrameId: number };
	continue: object;
	next: object;
	stepIn: object;
	stepOut: object;
	pause: object;
}

/** What answers them: with the body of the reply. */
export type Table = {
	[Command in keyof Commands]: (args: Commands[Command]) => object | undefined | Promise<object | undefined>;
};

/** Which exceptions can stop a cell. */
export const FILTERS = [
	{ filter: "uncaught", label: "Uncaught exceptions", description: "Stops where no cell and no module catches one" },
	{ filter: "all", label: "All exceptions", description: "Stops where one comes to a cell or a module" },
].map((filter) => ({ ...filter, default: false }));

export const CAPABILITIES = {
	supportsConfigurationDoneRequest: true,
	supportsConditionalBreakpoints: true,
	supportsEvaluateForHovers: true,
	supportsModulesRequest: true,
	supportsTerminateRequest: true,
	supportsDelayedStackTraceLoading: true,
	exceptionBreakpointFilters: FILTERS,
};

/** @throws if it is no string */
export function text(named: Record<string, unknown>): string {
	const [[name, value]] = Object.entries(named);
	if (typeof value !== "string") throw new Error(`${name} is ${JSON.stringify(value)}: expected a string`);
	return value;
}

/** @throws if it is no array */
export function list<T>(named: Record<string, T[]>): T[] {
	const [[name, value]] = Object.entries(named);
	if (!Array.isArray(value)) throw new Error(`${name} is ${JSON.stringify(value)}: expected an array`);
	return value;
}
