// What the scripts that look at pages of canvass in a real browser have in common.
//
// It needs chromium (`apt-get install chromium`, or its path in $CHROMIUM) and playwright-core (`npm
// install playwright-core`, in the current folder or one that $NODE_PATH names).
"use strict";

const fs = require("fs");
const os = require("os");
const path = require("path");
const { createRequire } = require("module");

const WIDE_PX = 1280;
const PHONE_PX = 400;
// Pictures are taken of the first four.
const VIEWS = [
  { name: "wide-light", width: WIDE_PX, colorScheme: "light" },
  { name: "wide-dark", width: WIDE_PX, colorScheme: "dark" },
  { name: "400-light", width: PHONE_PX, colorScheme: "light" },
  { name: "400-dark", width: PHONE_PX, colorScheme: "dark" },
  { name: "320", width: 320, colorScheme: "light" },
  { name: "just narrow", width: 720, colorScheme: "light" },
  { name: "just wide", width: 721, colorScheme: "light" },
  { name: "paper", width: 700, colorScheme: "light", media: "print" },
];
const PICTURES = 4;
const HEIGHT_PX = 900;
// Of a page that is longer, a picture has what is seen first.
const PICTURE_HEIGHT_MAX_PX = 16000;

module.exports = { lookAt, withBrowser };

// Calls `use` with a browser, and closes it afterwards.
async function withBrowser(use) {
  const { chromium } = playwright();
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "canvass-look-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--hide-scrollbars",
    ],
  });
  try {
    return await use(context);
  } finally {
    await context.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
}

// Looks at the page of `tab` in every view, and returns what is wrong with it. Pictures of it go into
// `folder` under `name`.
async function lookAt(tab, folder, name) {
  const found = [];
  for (const [place, view] of VIEWS.entries()) {
    await tab.setViewportSize({ width: view.width, height: HEIGHT_PX });
    await tab.emulateMedia({ colorScheme: view.colorScheme, media: view.media ?? "screen" });
    for (const open of [false, true]) {
      await tab.evaluate((open) => {
        document.querySelectorAll("details").forEach((one) => (one.open = open));
      }, open);
      const faults = await tab.evaluate(faultsOfPage);
      found.push(...faults.map((fault) => `${view.name}${open ? ", unfolded" : ""}: ${fault}`));
      if (!open && place < PICTURES) {
        const picture = path.join(folder, `${name}-${view.name}.png`);
        const height = await tab.evaluate(() => document.documentElement.scrollHeight);
        await tab.screenshot({ path: picture, fullPage: height <= PICTURE_HEIGHT_MAX_PX });
      }
    }
  }
  return found;
}

function playwright() {
  const tries = [require, createRequire(path.join(process.cwd(), "package.json"))];
  for (const from of tries) {
    try {
      return from("playwright-core");
    } catch (error) {
      if (error.code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new Error(
    "playwright-core is not there; `npm install playwright-core` in this folder, or name the " +
      "node_modules that has it in $NODE_PATH",
  );
}

function chromiumPath() {
  const named = process.env.CHROMIUM;
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  const usual = folders.map((folder) => path.join(folder, "chromium"));
  const found = (named ? [named] : usual).find((file) => fs.existsSync(file));
  if (!found) {
    throw new Error("chromium is not there; `apt-get install chromium`, or name it in $CHROMIUM");
  }
  return found;
}

// Runs in the page, so it may use nothing from here.
function faultsOfPage() {
  const SLACK_PX = 1;
  const TEXT_MIN_PX = 11;
  const faults = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    faults.push(`the page scrolls sideways: ${root.scrollWidth} in ${root.clientWidth}`);
  }

  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    const text = node.data.trim();
    if (!text || !parent.checkVisibility() || parent.closest("svg title, style")) continue;
    const style = getComputedStyle(parent);
    if (parseFloat(style.fontSize) < TEXT_MIN_PX) {
      faults.push(`"${text.slice(0, 30)}" is ${style.fontSize}`);
    }
    const range = document.createRange();
    range.selectNodeContents(node);
    const figure = parent.closest("figure");
    for (const box of range.getClientRects()) {
      if (box.width === 0 || box.height === 0) continue;
      // A line box is taller than its letters.
      const inset = Math.max(0, (box.height - parseFloat(style.fontSize)) / 2);
      texts.push({
        text: text.slice(0, 30),
        node,
        left: box.left,
        right: box.right,
        top: box.top + inset,
        bottom: box.bottom - inset,
      });
      if (box.left < -SLACK_PX || box.right > root.clientWidth + SLACK_PX) {
        faults.push(`"${text.slice(0, 30)}" leaves the page`);
      }
      if (figure && parent.closest("svg")) {
        const outer = figure.getBoundingClientRect();
        const drawing = parent.closest("svg.chart").getBoundingClientRect();
        if (
          box.left < outer.left - SLACK_PX ||
          box.right > outer.right + SLACK_PX ||
          box.top < drawing.top - SLACK_PX ||
          box.bottom > drawing.bottom + SLACK_PX
        ) {
          faults.push(`"${text.slice(0, 30)}" leaves its chart`);
        }
      }
    }
  }

  texts.sort((a, b) => a.top - b.top);
  for (const [place, one] of texts.entries()) {
    for (let next = place + 1; next < texts.length && texts[next].top < one.bottom; next++) {
      const other = texts[next];
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const along = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (one.node !== other.node && across > SLACK_PX && along > SLACK_PX) {
        faults.push(`"${one.text}" overlaps "${other.text}"`);
      }
    }
  }

  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest("svg") || !element.checkVisibility()) continue;
    const hides = getComputedStyle(element).overflowX !== "visible";
    if (hides && element.scrollWidth > element.clientWidth + SLACK_PX) {
      faults.push(`<${element.localName} class="${element.className}"> clips what it holds`);
    }
  }
  return faults;
}
