// `process.exit` in a cell.

/** Ends this process. */
export const endProcess = process.exit.bind(process);

/**
 * Ends a cell that calls `process.exit`, as IPython's error of this name ends one that calls `sys.exit`; papermill knows
 * that with exit code 0 it is no failure.
 */
export class SystemExit extends Error {
	constructor(code: number) {
		super(String(code));
		this.name = "SystemExit";
		this.stack = `SystemExit: process.exit(${code}) ends the cell. The kernel goes on, with all variables: "Restart Kernel" in the Kernel menu ends it too.`;
	}
}

/** From now on `process.exit` throws: with the process, the user's variables would be lost. */
export function keepProcess(): void {
	process.exit = (code = process.exitCode) => {
		throw new SystemExit(Number(code ?? 0));
	};
}
