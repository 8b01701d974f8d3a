// Fill the source with the packed columns that the menus choose (gravispec/report/page/chooser.py).
const key = menus.map((menu) => menu.value);
const length = source.get_length();
const data = {...source.data};
for (const column of columns) {
  let values = null;
  for (let k = key.length; k >= 0 && values === null; k--) {
    const name = [column, ...key.slice(0, k)].join("|");
    if (store.data[name] === undefined) continue;
    values = Float32Array.from(store.data[name], (v) => (v === -32768 ? NaN : v * scales[name]));
  }
  if (values === null) values = new Float32Array(length).fill(NaN);
  data[column] = texts[column] === undefined ? values : Array.from(values, (v) => texts[column][Math.round(v)]);
}
source.data = data;
