"use strict";
const part = name => document.getElementById(name);

/** An element with attributes and children; strings become text, never markup. */
function made(tag, attributes = {}, ...children) {
  const one = tag.startsWith("svg:") ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) one.addEventListener(name.slice(2), value);
    else one.setAttribute(name, value === true ? "" : value);
  }
  one.append(...children.filter(child => child !== null && child !== undefined));
  return one;
}

/** The bytes that harness.pages.folded put into the element of that name. */
async function unfolded(name) {
  const packed = Uint8Array.from(atob(part(name).textContent.trim()), letter => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
