// Answers about variables.
import type { Debugger } from "node:inspector";
import type { Variable } from "./describe";
import type { Pauses } from "./pauses";
import { PATIENCE } from "./protocol";
import { messageOf, Reference, type Remote } from "./remote";
import type { RichVariable } from "./target";

export class Inspection {
	constructor(
		private readonly remote: Remote,
		private readonly pauses: Pauses,
	) {}

	/** The scopes of a frame. */
	async scopes(frameId: number): Promise<object> {
		const { call, place } = this.pauses.frame(frameId);
		const types = call.scopeChain.map(({ type }) => type);
		const objects = call.scopeChain.map(({ object }) => new Reference(object));
		return { scopes: await this.remote.call("scopes", place.path, types, new Reference(call.this), ...objects) };
	}

	/** What the display of a variable shows; in a frame without those that take an `await`. */
	async rich(name: string, frameId?: number): Promise<RichVariable> {
		if (frameId !== undefined) return this.remote.call("richAtOnce", await this.evaluateIn(frameId, name));
		if (this.remote.isPaused) throw new Error(`${name}: the kernel is stopped; name a frame of it as frameId`);
		return this.remote.call("rich", name);
	}

	/** @throws what the expression throws */
	async evaluate(expression: string, frameId?: number): Promise<object> {
		const variable: Variable =
			frameId === undefined
				? await this.remote.call("evaluate", expression)
				: await this.remote.call("describe", expression, await this.evaluateIn(frameId, expression));
		const { name: _, value: result, ...rest } = variable;
		return { result, ...rest };
	}

	/** Gives a variable of a frame to all cells. */
	async copyToGlobals(source: string, target: string, frameId: number): Promise<void> {
		for (const name of [source, target]) {
			if (!/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name)) throw new Error(`${name}: expected the name of a variable`);
		}
		await this.remote.call("share", target, await this.evaluateIn(frameId, source));
	}

	private async evaluateIn(frameId: number, expression: string): Promise<Reference> {
		const { call, place } = this.pauses.frame(frameId);
		const { result, exceptionDetails } = await this.remote.post<Debugger.EvaluateOnCallFrameReturnType>(
			"Debugger.evaluateOnCallFrame",
			{
				callFrameId: call.callFrameId,
				expression: await this.remote.call("compile", expression, place.path),
				silent: true,
				timeout: PATIENCE,
			},
		);
		if (exceptionDetails) throw new Error(messageOf(exceptionDetails));
		return new Reference(result);
	}
}
