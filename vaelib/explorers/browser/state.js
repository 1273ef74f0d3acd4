// The traits of the widget, as JavaScript has them.

/** The same values, but a name that is not among them is an error, not undefined. */
export const declared = (values, what) =>
  new Proxy(values, {
    get(target, name) {
      if (!(name in target) && typeof name === "string") throw new Error(`${what} has no "${name}": is it declared?`);
      return target[name];
    },
  });

/** The value of a trait, which Python must know. */
export function valueOf(model, name) {
  const value = model.get(name);
  if (value === undefined) throw new Error(`the widget has no trait "${name}"`);
  return value;
}

/** How a trait is read that holds plain values. */
export const asSent = (value) => declared(value, "a trait");

/** How a trait is read that holds bytes by their names. */
export const readBytes = (value) =>
  Object.fromEntries(Object.entries(value).map(([name, { buffer, byteOffset, byteLength }]) =>
    [name, new Uint8Array(buffer, byteOffset, byteLength)]));

/** Tell Python what traits are now. Without a kernel there is nobody to tell, and the explorer goes on. */
function tell(model, changes) {
  for (const name of Object.keys(changes)) model.set(name, changes[name]);
  model.save_changes();
}

/**
 * The traits `names` as one `state`. `set` changes some of them: calls `draw`, then tells Python and the widget's other
 * views. When it is those that change something, `follow` is called. `stop` when the view is removed.
 */
export function sharedState(model, names, { draw, follow }) {
  const values = {};
  const events = names.map((name) => `change:${name}`).join(" ");
  let telling = false; // the model also reports what we tell it

  function read() {
    for (const name of names) values[name] = valueOf(model, name);
  }

  function onchange() {
    if (telling) return;
    read();
    follow();
  }

  read();
  model.on(events, onchange);
  return {
    state: declared(values, "the state"),
    set(changes) {
      const unknown = Object.keys(changes).find((name) => !names.includes(name));
      if (unknown) throw new Error(`the state has no "${unknown}": is it declared?`);
      Object.assign(values, changes);
      draw();
      telling = true;
      try {
        tell(model, changes);
      } finally {
        telling = false;
      }
    },
    stop: () => model.off(events, onchange),
  };
}
