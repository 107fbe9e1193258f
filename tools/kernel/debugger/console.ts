// What cells print while V8's inspector is connected: it takes three times as long, and the inspector keeps the last thousand
// messages with all that was printed.

/**
 * Lets the methods of `console` print without the inspector.
 *
 * @returns lets them print as before
 */
export function printDirectly(): () => void {
	const { stdout, stderr } = process;
	const shown = console as unknown as Record<string, unknown>;
	const direct = new console.Console({ stdout, stderr }) as unknown as Record<string, unknown>;
	const methods = Object.entries(shown).filter(([name]) => typeof direct[name] === "function" && name !== "Console");
	for (const [name] of methods) shown[name] = direct[name];
	return () => {
		// A cell may have put its own in their place.
		for (const [name, method] of methods) if (shown[name] === direct[name]) shown[name] = method;
	};
}
