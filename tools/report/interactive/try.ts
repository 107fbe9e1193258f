// Try: the page of the exported model, which classifies images by itself, inside of the report.

/** Lets the button of the page show the model that it holds, if it holds one. */
export function offerModel(): void {
	const [section, data] = ["try", "model-page"].map((id) => document.getElementById(id));
	const button = section?.querySelector("button");
	if (!section || !button || !data) return;
	button.addEventListener("click", async () => {
		button.disabled = true;
		const bytes = Uint8Array.from(atob(data.textContent ?? ""), (character) => character.charCodeAt(0));
		const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
		const frame = document.createElement("iframe");
		Object.assign(frame, { title: "Image classifier", allow: "camera", srcdoc: await new Response(stream).text() });
		button.replaceWith(frame);
	});
}
