// Select the stars that a menu or an id names, and list the selected ones (pages of runs and of catalogues).
const {star_id, log_g, T_eff, M_H, residual, sigma, snr, flags} = source.data;
const predicted = source.data.predicted ?? log_g;
const tests = {
  outside: (i) => flags[i].startsWith("outside"),
  edge: (i) => flags[i].includes("edge"),
  far: (i) => Math.abs(residual[i]) > 3 * sigma[i],
  missed: (i) => Math.abs(residual[i]) > 1,
  flagged: (i) => flags[i] !== "none",
  unlike: (i) => flags[i].includes("UNLIKE_TRAINING"),
  uncertain: (i) => sigma[i] > 0.5,
};
const all = Array.from(star_id, (_, i) => i);
if (cb_obj === group) {
  source.selected.indices = group.value ? all.filter(tests[group.value]) : [];
} else if (cb_obj === identifier) {
  source.selected.indices = all.filter((i) => star_id[i] === identifier.value.trim());
} else {
  const indices = source.selected.indices;
  const errors = indices.map((i) => residual?.[i]).filter(Number.isFinite);
  const rms = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
  const star = (i) => {
    const item = document.createElement("li");
    item.textContent = `${star_id[i]}: log g ${predicted[i].toFixed(2)} ± ${sigma[i].toFixed(2)}` +
      (residual ? `, true ${log_g[i].toFixed(2)}` : "") + `; T_eff ${T_eff[i].toFixed(0)} K, [M/H] ` +
      `${M_H[i].toFixed(2)}, S/N ${snr[i].toFixed(1)}, flags: ${flags[i]}`;
    return item.outerHTML;
  };
  const error = errors.length ? `, root mean square error ${rms.toFixed(2)} dex` : "";
  const more = indices.length > 10 ? ", the first 10:" : ":";
  list.text = indices.length === 0 ? "" :
    `<div role="status"><p>Selected: ${indices.length}${error}${more}</p><ul>${indices.slice(0, 10).map(star).join("")}` +
    "</ul></div>";
}
