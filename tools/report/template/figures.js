// Plotly figures on a page: dark where the page is, light on paper.
const scheme = matchMedia("(prefers-color-scheme: dark)");
const axis = { gridcolor: "#424242", zerolinecolor: "#616161", linecolor: "#9e9e9e" };
const darkLayout = {
	xaxis: axis,
	yaxis: axis,
	paper_bgcolor: "#111",
	plot_bgcolor: "#111",
	font: { color: "#e0e0e0" },
	colorway: ["#64b5f6", "#ffb74d", "#81c784", "#e57373", "#ba68c8", "#a1887f", "#f06292", "#bdbdbd"],
};
const figures = new Map();

let isReady = false;

async function loadPlotly() {
	const compressed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
	const text = new Response(new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
	const script = document.createElement("script");
	script.textContent = await text;
	document.head.append(script);
	isReady = true;
	drawAll(scheme.matches);
}

function drawFigure(id, isDark) {
	const { data, layout, config } = figures.get(id);
	const template = isDark ? { layout: darkLayout } : undefined;
	// Whatever the figure says: no button uploads its data.
	const safe = { ...config, showSendToCloud: false, plotlyServerURL: "" };
	Plotly.react(id, data, { ...layout, template }, safe);
	const element = document.getElementById(id);
	element.setAttribute("role", "figure");
	const title = typeof layout?.title === "string" ? layout.title : layout?.title?.text;
	element.setAttribute("aria-label", title?.replace(/<[^>]*>/g, " ") ?? "figure");
}

function showFigure(id, figure) {
	figures.set(id, figure);
	if (isReady) drawFigure(id, scheme.matches);
}

function drawAll(isDark) {
	if (isReady) for (const id of figures.keys()) drawFigure(id, isDark);
}

scheme.addEventListener("change", () => drawAll(scheme.matches));
addEventListener("beforeprint", () => scheme.matches && drawAll(false));
addEventListener("afterprint", () => scheme.matches && drawAll(true));
loadPlotly();
