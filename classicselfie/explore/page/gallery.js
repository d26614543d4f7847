"use strict";
(() => {
  const { photos, sentences, signals, clusters, tile, mapTile, map, unreadable, folder, model } = window.gallery;
  const $ = (id) => document.getElementById(id);
  const number = (value) => value.toLocaleString("en");
  const percent = ({ probability: share }) =>
    share > 0 && share < 0.01 ? "<1 %" : share > 0.99 && share < 1 ? ">99 %" : `${Math.round(100 * share)} %`;
  const piles = { // how each is marked, and called
    selfie: ["●", "looks like a selfie"],
    maybe: ["◐", "may be a selfie"],
    not_selfie: ["○", "does not look like a selfie"],
  };
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const corrections = new Corrections("of galleries"); // photos of all galleries, by their address

  // ---- orders ----

  const orders = {
    selfie: {
      has: () => true,
      value: (photo) => photo.probability,
      mark: (photo) => (photo.faces ? percent(photo) : "no face"),
      most: "most selfie-like", least: "least selfie-like",
    },
    quality: {
      has: (photo) => photo.quality !== null, // there is a face to judge it by
      value: (photo) => photo.quality / 10,
      mark: (photo) => photo.quality.toFixed(1),
      most: "best photographed", least: "most to improve",
    },
  };
  let order = orders.selfie;

  // ---- what is in sight: places in `photos`, which go from most to least selfie-like ----

  let visible = photos.map((_, place) => place);
  let rankOf = new Int32Array(photos.length); // place in `visible`, -1 where filtered out
  const filters = $("filters");
  const passes = {
    verdict: (photo, value) => (value === "answered" ? Boolean(corrections.of(photo.href)) : photo.pile === value),
    top: (photo, value) => photo.top === value,
    faces: (photo, value) => (value === "3" ? photo.faces >= 3 : photo.faces === Number(value)),
    cluster: (photo, value) => photo.cluster === Number(value),
    front: (photo, value) => String(photo.front) === value,
    from: (photo, value) => photo.taken !== null && photo.taken.slice(0, 10) >= value,
    until: (photo, value) => photo.taken !== null && photo.taken.slice(0, 10) <= value,
  };

  function filter() {
    const wanted = [...new FormData(filters)].filter(([name, value]) => value && name !== "order");
    order = orders[filters.elements.order.value];
    visible = [];
    rankOf.fill(-1);
    photos.forEach((photo, place) => {
      if (order.has(photo) && wanted.every(([name, value]) => passes[name](photo, value))) visible.push(place);
    });
    if (order === orders.quality) visible.sort((a, b) => order.value(photos[b]) - order.value(photos[a]));
    visible.forEach((place, rank) => { rankOf[place] = rank; });
    $("active").textContent = wanted.length ? ` (${wanted.length} on)` : "";
    $("count").textContent = visible.length === photos.length
      ? `${number(photos.length)} photos`
      : `${number(visible.length)} of ${number(photos.length)} photos`;
    $("none").hidden = visible.length > 0;
    show();
  }

  // ---- small pictures ----

  function thumb(place) {
    const [width, height] = photos[place].tile;
    const onSheet = place % (tile.side * tile.side);
    const span = make("span", { className: "thumb" });
    const properties = {
      "--w": width / tile.size, "--h": height / tile.size, "--side": tile.side,
      "--c": onSheet % tile.side, "--r": Math.floor(onSheet / tile.side),
      "--sheet": `url(tiles/${Math.floor(place / (tile.side * tile.side))}.jpg)`,
    };
    for (const [name, value] of Object.entries(properties)) span.style.setProperty(name, value);
    return span;
  }

  function tileButton(place) {
    const photo = photos[place];
    const button = make("button", { type: "button", className: `tile ${photo.pile}` });
    button.dataset.place = place;
    button.append(thumb(place));
    markTile(button);
    return button;
  }

  function markTile(button) {
    const photo = photos[button.dataset.place], said = corrections.of(photo.href);
    const mark = `${piles[photo.pile][0]} ${order.has(photo) ? order.mark(photo) : percent(photo)}`;
    button.classList.toggle("answered", Boolean(said));
    button.dataset.mark = said ? `✎ ${Corrections.WORDS[said]}` : mark;
    button.setAttribute("aria-label", `${photo.name}: ${short(photo)}${said ? `; you say: ${Corrections.WORDS[said]}` : ""}`);
  }

  const short = (photo) => (photo.faces ? `${piles[photo.pile][1]}, ${percent(photo)}` : "no face was found");

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".tile");
    if (button) open(Number(button.dataset.place));
  });

  const sheet = (places, label) => {
    const list = make("ul", { className: "sheet" }, ...places.map((p) => make("li", {}, tileButton(p))));
    list.setAttribute("aria-label", label);
    return list;
  };

  // ---- continuum: a strip to jump along, and a grid that holds only what is on screen ----

  const grid = $("grid"), strip = $("strip");
  const GAP = 4;
  let columns = 1, side = 150, current = 0;
  const cells = new Map();

  // How many tiles of at least this side fill a row, and the side that fills it.
  function fit(width, least) {
    const count = Math.max(3, Math.floor((width + GAP) / (least + GAP)));
    return [count, Math.floor((width + GAP) / count) - GAP];
  }

  function showContinuum() {
    const width = grid.clientWidth;
    if (!width) return;
    [columns, side] = fit(width, 150);
    grid.style.setProperty("--s", `${side}px`);
    grid.style.height = `${Math.ceil(visible.length / columns) * (side + GAP)}px`;
    grid.replaceChildren();
    cells.clear();
    current = clamp(current, 0, Math.max(0, visible.length - 1));
    drawGrid();
    drawStrip();
  }

  function drawGrid() {
    const top = grid.getBoundingClientRect().top;
    const pitch = side + GAP;
    const first = Math.max(0, Math.floor(-top / pitch) - 2) * columns;
    const last = Math.min(visible.length, (Math.ceil((innerHeight - top) / pitch) + 2) * columns);
    for (const [rank, cell] of cells) {
      // The focused one stays, or the keyboard would lose its place.
      if ((rank < first || rank >= last) && !cell.contains(document.activeElement)) {
        cell.remove();
        cells.delete(rank);
      }
    }
    const fresh = [];
    for (let rank = first; rank < last; rank++) {
      if (cells.has(rank)) continue;
      const cell = make("div", {}, tileButton(visible[rank]));
      cell.setAttribute("role", "listitem");
      cell.setAttribute("aria-posinset", rank + 1);
      cell.setAttribute("aria-setsize", visible.length);
      cell.style.transform = `translate(${(rank % columns) * pitch}px, ${Math.floor(rank / columns) * pitch}px)`;
      cell.firstChild.tabIndex = rank === current ? 0 : -1;
      cells.set(rank, cell);
      fresh.push(cell);
    }
    grid.append(...fresh);
    if (!cells.has(current) && cells.has(first)) setCurrent(first);
    if (scrollY !== heldAt) moveMark(Math.round(progress() * (visible.length - 1)));
  }

  // Where the screen stands in the grid: 0 while its beginning, 1 while its end is in sight.
  const head = () => document.querySelector(".bar").offsetHeight;
  const travel = () => Math.max(1, grid.offsetHeight - (innerHeight - head()));
  const progress = () => clamp((head() - grid.getBoundingClientRect().top) / travel(), 0, 1);

  function setCurrent(rank) {
    if (cells.has(current)) cells.get(current).firstChild.tabIndex = -1;
    current = rank;
    if (cells.has(current)) cells.get(current).firstChild.tabIndex = 0;
  }

  function focusRank(rank) {
    scrollToRank(rank);
    drawGrid();
    setCurrent(rank);
    cells.get(rank).firstChild.focus({ preventScroll: true });
  }

  function scrollToRank(rank) {
    const pitch = side + GAP;
    const top = grid.getBoundingClientRect().top + Math.floor(rank / columns) * pitch;
    if (top < head() + GAP) scrollBy(0, top - head() - GAP);
    else if (top + pitch > innerHeight) scrollBy(0, top + pitch - innerHeight);
  }

  grid.addEventListener("focusin", (event) => {
    setCurrent(rankOf[Number(event.target.dataset.place)]);
  });

  grid.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(innerHeight / (side + GAP)) - 1) * columns;
    const last = visible.length - 1;
    const steps = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns,
      PageDown: page, PageUp: -page, Home: -last, End: last,
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    focusRank(clamp(current + steps[event.key], 0, last));
  });

  function drawStrip() {
    const width = strip.clientWidth, last = visible.length - 1;
    const count = Math.min(visible.length, Math.max(1, Math.floor(width / 44)));
    const ranks = Array.from({ length: count }, (_, k) => Math.round(count > 1 ? (k * last) / (count - 1) : 0));
    $("samples").replaceChildren(...ranks.map((rank) => make("span", {}, thumb(visible[rank]))));
    const canvas = $("curve"), ratio = devicePixelRatio;
    const height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    context.fillStyle = style.getPropertyValue("--selfie");
    for (let x = 0; x < width && last >= 0; x++) {
      const photo = photos[visible[Math.round((x / Math.max(1, width - 1)) * last)]];
      const tall = Math.max(1, order.value(photo) * (height - 2));
      context.globalAlpha = { selfie: 1, maybe: 0.7, not_selfie: 0.45 }[photo.pile];
      context.fillRect(x, height - tall, 1, tall);
    }
    $("first").textContent = order.most;
    $("last").textContent = order.least;
    strip.setAttribute("aria-valuemax", Math.max(1, visible.length));
  }

  let marked = 0;
  function moveMark(rank) {
    marked = rank;
    const last = visible.length - 1;
    $("here").style.left = `${last > 0 ? (100 * rank) / last : 0}%`;
    strip.setAttribute("aria-valuenow", rank + 1);
    if (visible.length) {
      strip.setAttribute("aria-valuetext", `photo ${number(rank + 1)} of ${number(visible.length)}, ${short(photos[visible[rank]])}`);
    }
  }

  let heldAt = -1; // here the mark stands where it was put, more exactly than scrolling tells
  function jump(rank) {
    const share = visible.length > 1 ? rank / (visible.length - 1) : 0;
    scrollBy(0, grid.getBoundingClientRect().top - head() + share * travel());
    heldAt = scrollY;
    drawGrid();
    moveMark(rank);
  }

  const dragStrip = (event) => {
    const box = strip.getBoundingClientRect();
    const share = clamp((event.clientX - box.left) / box.width, 0, 1);
    jump(Math.round(share * (visible.length - 1)));
  };
  strip.addEventListener("pointerdown", (event) => {
    strip.setPointerCapture(event.pointerId);
    dragStrip(event);
  });
  strip.addEventListener("pointermove", (event) => {
    if (strip.hasPointerCapture(event.pointerId)) dragStrip(event);
  });
  strip.addEventListener("keydown", (event) => {
    const last = visible.length - 1, step = Math.max(1, Math.round(last / 100));
    const steps = {
      ArrowRight: step, ArrowUp: step, ArrowLeft: -step, ArrowDown: -step,
      PageDown: 10 * step, PageUp: -10 * step, Home: -last, End: last,
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    jump(clamp(marked + steps[event.key], 0, last));
  });

  // ---- sheets ----

  const SHEET = 60;
  function showSheets() {
    const count = Math.min(SHEET, Math.ceil(visible.length / 2));
    const top = visible.slice(0, count), bottom = visible.slice(Math.max(count, visible.length - count)).reverse();
    const parts = [];
    for (const [title, places] of [[order.most, top], [order.least, bottom]]) {
      if (places.length) {
        const heading = `The ${number(places.length)} ${title}`;
        parts.push(make("h2", { textContent: heading }), sheet(places, heading));
      }
    }
    $("sheets").style.setProperty("--sheet-side", `${fit($("sheets").clientWidth, innerWidth > 640 ? 110 : 76)[1]}px`);
    $("sheets").replaceChildren(...parts);
  }

  // ---- clusters ----

  function showClusters() {
    const parts = clusters.map((cluster, index) => {
      const keep = (places) => places.filter((place) => rankOf[place] >= 0);
      const typical = keep(cluster.typical), odd = keep(cluster.odd);
      if (!typical.length && !odd.length) return "";
      const section = make("section", { className: "cluster" });
      const all = make("button", { type: "button", textContent: "Show all of them" });
      const onMap = make("button", { type: "button", textContent: "Show on the map" });
      for (const [button, view] of [[all, "continuum"], [onMap, "map"]]) {
        button.setAttribute("aria-label", `${button.textContent}: cluster ${index + 1}`);
        button.addEventListener("click", () => {
          filters.elements.cluster.value = index;
          choose(view, true);
          filter();
        });
      }
      const pair = make("div", { className: "pair" });
      for (const [title, places] of [["typical", typical], ["odd ones", odd]]) {
        if (!places.length) continue;
        const name = title === "typical" ? "typical" : "odd";
        pair.append(make("div", { className: name }, make("h3", { textContent: title }), sheet(places, `Cluster ${index + 1}, ${title}`)));
      }
      section.append(
        make("h2", { textContent: `Cluster ${index + 1}: ${number(cluster.photos)} photos` }),
        make("p", { textContent: cluster.about }), pair, make("p", { className: "buttons" }, all, onMap),
      );
      return section;
    });
    $("clusters").replaceChildren(...parts);
  }

  // ---- map ----

  const chart = $("chart");
  const LEVELS = 3; // each half as large as the one before: far away, small copies draw faster and smoother
  let sprites = null;
  const view = { zoom: 1, x: 0.5, y: 0.5 }; // zoom, and the shares of the map that are in the middle
  let waiting = false, pointed = -1;

  function loadSprites() {
    const count = Math.ceil(photos.length / (mapTile.side * mapTile.side));
    sprites = Array.from({ length: count }, () => null);
    chart.setAttribute("aria-busy", "true");
    const sheets = sprites.map((_, index) => {
      const image = new Image();
      image.src = `map/${index}.jpg`;
      // Copies stay decoded; an image may be decoded anew in the midst of a zoom.
      return image.decode().then(() => {
        const levels = [];
        for (let level = 0; level < LEVELS; level++) {
          const from = levels[level - 1] ?? image;
          const canvas = make("canvas", { width: image.naturalWidth >> level, height: image.naturalHeight >> level });
          canvas.getContext("2d").drawImage(from, 0, 0, canvas.width, canvas.height);
          levels.push(canvas);
        }
        sprites[index] = levels;
        redraw();
      }, () => {}); // a sheet that has gone leaves gaps on the map
    });
    Promise.all(sheets).then(() => {
      drawMap();
      chart.removeAttribute("aria-busy");
    });
  }

  function showMap() {
    if (!sprites) loadSprites();
    const ratio = devicePixelRatio;
    chart.width = Math.round(chart.clientWidth * ratio);
    chart.height = Math.round(chart.clientHeight * ratio);
    redraw();
  }

  // A canvas that is taller than wide shows the map turned.
  const tall = () => chart.clientHeight > chart.clientWidth;
  const mapX = (photo) => (tall() ? photo.shareY : photo.shareX);
  const mapY = (photo) => (tall() ? photo.shareX : photo.shareY);
  const MARGIN = 24;
  // Pixels of one map unit at this zoom, and of the whole map along x and y.
  function unit() {
    const [across, down] = tall() ? [map.height, map.width] : [map.width, map.height];
    const fitting = Math.min((chart.clientWidth - 2 * MARGIN) / across, (chart.clientHeight - 2 * MARGIN) / down);
    return fitting * view.zoom;
  }
  const spanX = () => unit() * (tall() ? map.height : map.width);
  const spanY = () => unit() * (tall() ? map.width : map.height);
  const toX = (photo) => (mapX(photo) - view.x) * spanX() + chart.clientWidth / 2;
  const toY = (photo) => (mapY(photo) - view.y) * spanY() + chart.clientHeight / 2;
  const LARGEST = 1.5 * mapTile.size;
  const thumbSize = () => clamp(1.05 * map.spacing * unit(), 5, LARGEST);
  // Until neighbours stand well apart.
  const maxZoom = () => Math.max(4, (2 * LARGEST * view.zoom) / (map.spacing * unit()));

  function redraw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      drawMap();
    });
  }

  function drawMap() {
    const width = chart.clientWidth, height = chart.clientHeight, ratio = devicePixelRatio;
    if (!width || !sprites) return;
    const context = chart.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = style.getPropertyValue("--page");
    context.fillRect(0, 0, width, height);
    const size = thumbSize();
    const level = clamp(Math.floor(Math.log2(mapTile.size / (size * ratio))), 0, LEVELS - 1);
    const scale = size / mapTile.size, slot = mapTile.size >> level;
    const perSheet = mapTile.side * mapTile.side, shrink = 1 / (1 << level);
    const across = spanX(), down = spanY(), turned = tall();
    const startX = width / 2 - view.x * across, startY = height / 2 - view.y * down;
    context.fillStyle = style.getPropertyValue("--line");
    if (visible.length < photos.length) {
      photos.forEach((photo, place) => {
        if (rankOf[place] < 0) context.fillRect(toX(photo) - 1, toY(photo) - 1, 2, 2);
      });
    }
    const frame = clamp(size / 20, 0.75, 3);
    context.fillStyle = style.getPropertyValue("--selfie");
    for (let rank = visible.length - 1; rank >= 0; rank--) {
      const place = visible[rank], photo = photos[place];
      const x = startX + (turned ? photo.shareY : photo.shareX) * across;
      const y = startY + (turned ? photo.shareX : photo.shareY) * down;
      if (x < -size || y < -size || x > width + size || y > height + size) continue;
      const levels = sprites[Math.floor(place / perSheet)];
      const w = photo.mapW * scale, h = photo.mapH * scale;
      if (photo.pile === "selfie") context.fillRect(x - w / 2 - frame, y - h / 2 - frame, w + 2 * frame, h + 2 * frame);
      if (levels) {
        const at = place % perSheet;
        context.drawImage(
          levels[level], (at % mapTile.side) * slot, Math.floor(at / mapTile.side) * slot,
          Math.max(1, photo.mapW * shrink), Math.max(1, photo.mapH * shrink), x - w / 2, y - h / 2, w, h,
        );
      }
    }
    if (pointed >= 0) {
      const photo = photos[pointed], w = photo.mapW * scale, h = photo.mapH * scale;
      context.strokeStyle = style.getPropertyValue("--ink");
      context.lineWidth = 3;
      context.strokeRect(toX(photo) - w / 2 - 2, toY(photo) - h / 2 - 2, w + 4, h + 4);
    }
  }

  function nearest(x, y, reach) {
    let best = -1, least = reach * reach;
    for (const place of visible) {
      const dx = toX(photos[place]) - x, dy = toY(photos[place]) - y;
      if (dx * dx + dy * dy < least) {
        least = dx * dx + dy * dy;
        best = place;
      }
    }
    return best;
  }

  function zoomBy(factor, x = chart.clientWidth / 2, y = chart.clientHeight / 2) {
    const dx = x - chart.clientWidth / 2, dy = y - chart.clientHeight / 2;
    const under = [view.x + dx / spanX(), view.y + dy / spanY()];
    view.zoom = clamp(view.zoom * factor, 0.8, maxZoom());
    view.x = under[0] - dx / spanX(); // what was under the pointer stays there
    view.y = under[1] - dy / spanY();
    keepInside();
  }

  // Without a pointer: towards photos, never into the void.
  function zoomMiddle(factor) {
    zoomBy(factor);
    const place = nearest(chart.clientWidth / 2, chart.clientHeight / 2, Infinity);
    if (place < 0) return;
    const [x, y] = [toX(photos[place]), toY(photos[place])];
    if (x < 0 || y < 0 || x > chart.clientWidth || y > chart.clientHeight) {
      [view.x, view.y] = [mapX(photos[place]), mapY(photos[place])];
      keepInside();
    }
  }

  function panBy(dx, dy) {
    view.x -= dx / spanX();
    view.y -= dy / spanY();
    keepInside();
  }

  function keepInside() {
    view.x = clamp(view.x, 0, 1);
    view.y = clamp(view.y, 0, 1);
    chart.dataset.zoom = view.zoom.toFixed(3);
    chart.dataset.middle = `${view.x.toFixed(4)} ${view.y.toFixed(4)}`;
    redraw();
  }

  function wholeMap() {
    Object.assign(view, { zoom: 1, x: 0.5, y: 0.5 });
    keepInside();
  }

  function point(place, x, y) {
    const tip = $("tip");
    tip.hidden = place < 0 || x === undefined;
    if (!tip.hidden) {
      tip.textContent = `${photos[place].name} · ${percent(photos[place])}`;
      tip.style.left = `${clamp(x + 12, 0, Math.max(0, chart.clientWidth - tip.offsetWidth))}px`;
      tip.style.top = `${clamp(y + 16, 0, Math.max(0, chart.clientHeight - tip.offsetHeight))}px`;
    }
    if (place !== pointed) {
      pointed = place;
      redraw();
    }
  }

  function pointMiddle() {
    point(nearest(chart.clientWidth / 2, chart.clientHeight / 2, Infinity));
    $("map-place").textContent = pointed < 0 ? "" : `In the middle: ${photos[pointed].name}, ${short(photos[pointed])}`;
  }

  const pointers = new Map();
  let moved = 0, wasPinch = false;
  const inChart = (event) => {
    const box = chart.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  chart.addEventListener("pointerdown", (event) => {
    chart.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, inChart(event));
    if (pointers.size === 1) [moved, wasPinch] = [0, false];
    else wasPinch = true;
  });
  chart.addEventListener("pointermove", (event) => {
    const [x, y] = inChart(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      point(nearest(x, y, thumbSize()), x, y);
      return;
    }
    point(-1);
    const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    if (others.length === 1) {
      const [otherX, otherY] = others[0];
      const was = Math.hypot(before[0] - otherX, before[1] - otherY);
      const is = Math.hypot(x - otherX, y - otherY);
      panBy((x - before[0]) / 2, (y - before[1]) / 2);
      if (was > 0) zoomBy(is / was, (x + otherX) / 2, (y + otherY) / 2);
    } else {
      panBy(x - before[0], y - before[1]);
    }
    moved += Math.abs(x - before[0]) + Math.abs(y - before[1]);
    pointers.set(event.pointerId, [x, y]);
  });
  chart.addEventListener("pointerup", (event) => {
    const [x, y] = inChart(event);
    pointers.delete(event.pointerId);
    const place = moved < 6 && !wasPinch ? nearest(x, y, thumbSize()) : -1;
    if (place >= 0) open(place);
  });
  chart.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
  chart.addEventListener("pointerleave", () => point(-1));
  chart.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode ? 16 : 1; // some mice count lines
    zoomBy(Math.exp(-clamp(event.deltaY * lines, -200, 200) / 400), ...inChart(event));
  }, { passive: false });
  chart.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = Math.min(chart.clientWidth, chart.clientHeight) / 8;
    const actions = {
      ArrowLeft: () => panBy(step, 0), ArrowRight: () => panBy(-step, 0),
      ArrowUp: () => panBy(0, step), ArrowDown: () => panBy(0, -step),
      "+": () => zoomMiddle(1.3), "=": () => zoomMiddle(1.3), "-": () => zoomMiddle(1 / 1.3), "0": wholeMap,
      Enter: () => {
        pointMiddle();
        if (pointed >= 0) open(pointed);
      },
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
    pointMiddle();
  });
  chart.addEventListener("focus", () => {
    if (chart.matches(":focus-visible")) pointMiddle();
  });
  $("zoom-in").addEventListener("click", () => zoomMiddle(1.6));
  $("zoom-out").addEventListener("click", () => zoomMiddle(1 / 1.6));
  $("zoom-all").addEventListener("click", wholeMap);

  // ---- one photo ----

  const dialog = $("photo");
  let shown = -1;

  function open(place) {
    shown = place;
    const photo = photos[place];
    const [picture, image] = [dialog.querySelector(".picture"), dialog.querySelector("img")];
    picture.replaceChildren(thumb(place), image);
    image.hidden = true;
    image.alt = photo.name;
    $("photo-note").textContent = "";
    image.onload = () => {
      picture.querySelector(".thumb").hidden = true;
      image.hidden = false;
    };
    image.onerror = () => {
      $("photo-note").textContent = "(it is no longer there, or this browser cannot show it; this is a small copy)";
    };
    image.src = photo.url;
    $("photo-link").href = photo.url;
    const rank = rankOf[place];
    $("photo-rank").textContent = rank < 0 ? "" : `${number(rank + 1)} of ${number(visible.length)}, from ${order.most} to ${order.least}`;
    const headline = short(photo);
    $("photo-verdict").textContent = `${headline[0].toUpperCase()}${headline.slice(1)}`;
    $("photo-summary").textContent = photo.summary;
    showAnswer();
    const largest = Math.max(...photo.reasons.map(([, share]) => Math.abs(share)), 1e-9);
    $("photo-reasons").replaceChildren(...photo.reasons.map(([sentence, share]) => {
      const bar = make("i", { className: share > 0 ? "for" : "against" });
      bar.style.width = `${(50 * Math.abs(share)) / largest}%`;
      const said = make("span", { className: "said", textContent: share > 0 ? "speaks for a selfie" : share < 0 ? "speaks against" : "counts for neither" });
      const head = make("th", { textContent: sentences[sentence], scope: "row" });
      return make("tr", {}, head, make("td", {}, make("span", { className: "share" }, bar), said));
    }));
    const facts = {
      File: photo.name,
      Size: `${photo.size[0]} × ${photo.size[1]} pixels`,
      Faces: photo.faces ? String(photo.faces) : "none found",
      Quality: photo.quality === null ? null : `${photo.quality.toFixed(1)} of 10, as a photograph`,
      Taken: photo.taken,
      Camera: { true: "front, says the file", false: "back, says the file" }[photo.front],
      Cluster: String(photo.cluster + 1),
    };
    $("photo-facts").replaceChildren(...Object.entries(facts).filter(([, value]) => value)
      .flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })]));
    $("photo-previous").disabled = rank <= 0;
    $("photo-next").disabled = rank < 0 || rank >= visible.length - 1;
    if (!dialog.open) dialog.showModal();
  }

  function step(by) {
    const rank = rankOf[shown] + by;
    if (rankOf[shown] >= 0 && rank >= 0 && rank < visible.length) open(visible[rank]);
  }

  $("photo-previous").addEventListener("click", () => step(-1));
  $("photo-next").addEventListener("click", () => step(1));
  $("photo-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // the dimmed page around it
  });
  dialog.addEventListener("close", () => {
    dialog.querySelector("img").removeAttribute("src");
    // Back to the grid where the reader has paged to, not where it began.
    if (chosen === "continuum" && rankOf[shown] >= 0) focusRank(rankOf[shown]);
  });

  // ---- what a person says ----

  function showAnswer() {
    const { pile, href } = photos[shown];
    const parts = { wrong: $("photo-wrong"), right: $("photo-right"), line: $("photo-said") };
    Corrections.show(pile, corrections.of(href), parts);
  }

  function countAnswers() {
    const answered = photos.filter((photo) => corrections.of(photo.href)).length;
    $("answers").hidden = !answered;
    $("answers-count").textContent = `You answered ${number(answered)}${corrections.isKept ? "" : "; this browser keeps no answers, download them before you leave"}`;
  }

  function answer(place, turn) {
    const { name, pile, href } = photos[place];
    const said = turn.call(Corrections, pile, corrections.of(href));
    corrections.say(href, said);
    document.querySelectorAll(`.tile[data-place="${place}"]`).forEach(markTile);
    countAnswers();
    $("answer").textContent = `${name}: ${said ? Corrections.WORDS[said] : "no answer"}. `;
    if (dialog.open) showAnswer();
  }

  // Absolute where the page lies on a disk; otherwise as seen from the folder of the photos.
  function pathOf({ href, name }) {
    const url = new URL(href);
    if (url.protocol !== "file:") return `./${name}`;
    try {
      const path = decodeURIComponent(url.pathname).replace(/^\/(?=[a-z]:)/i, "");
      return url.host ? `//${url.host}${path}` : path;
    } catch {
      return href; // its name is no UTF-8
    }
  }

  document.addEventListener("keydown", (event) => {
    const turn = Corrections.pressed(event);
    const place = dialog.open ? shown : Number(event.target.closest(".tile")?.dataset.place ?? -1);
    if (turn && place >= 0) answer(place, turn);
  });
  $("photo-wrong").addEventListener("click", () => answer(shown, Corrections.wrong));
  $("photo-right").addEventListener("click", () => answer(shown, Corrections.right));
  $("download").addEventListener("click", () => {
    const answered = photos.filter((photo) => corrections.of(photo.href));
    Corrections.download(answered.map((photo) => [pathOf(photo), corrections.of(photo.href), photo.pile]));
  });

  // ---- views ----

  const show = () => ({ continuum: showContinuum, sheets: showSheets, map: showMap, clusters: showClusters })[chosen]();
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const views = tabs.map((tab) => tab.getAttribute("aria-controls"));
  let chosen = "continuum";

  function choose(name, toTop) {
    chosen = name;
    for (const tab of tabs) {
      const selected = tab.getAttribute("aria-controls") === name;
      tab.setAttribute("aria-selected", selected);
      tab.tabIndex = selected ? 0 : -1;
      $(tab.getAttribute("aria-controls")).hidden = !selected;
    }
    history.replaceState(null, "", `#view=${name}`); // no element's id, or the page would scroll to it
    if (toTop) scrollTo(0, 0);
  }

  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => {
      choose(views[index], true);
      show();
    });
    tab.addEventListener("keydown", (event) => {
      const next = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      const to = (next + tabs.length) % tabs.length;
      tabs[to].focus();
      tabs[to].click();
    });
  });

  filters.addEventListener("input", filter);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(filter)); // the fields are emptied after this event
  let scrolling = false;
  addEventListener("scroll", () => {
    if (scrolling || chosen !== "continuum") return;
    scrolling = true;
    requestAnimationFrame(() => {
      scrolling = false;
      drawGrid();
    });
  }, { passive: true });
  let lastWidth = innerWidth;
  addEventListener("resize", () => {
    // A phone's address bar changes the height alone: the grid may stay.
    if (chosen === "map" || innerWidth !== lastWidth) show();
    lastWidth = innerWidth;
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);

  // ---- begin ----

  for (const photo of photos) {
    photo.href = new URL(photo.url, location.href).href;
    [photo.mapW, photo.mapH] = photo.tile.map((length) => Math.max(1, Math.round((length * mapTile.size) / tile.size)));
    [photo.shareX, photo.shareY] = [photo.x / map.width, photo.y / map.height];
  }
  $("order-box").hidden = filters.elements.order.disabled = photos.every((photo) => photo.quality === null);
  const count = (pile) => number(photos.filter((photo) => photo.pile === pile).length);
  $("about").textContent = `${folder}: ${number(photos.length)} photos, ${count("selfie")} look like selfies, ${count("maybe")} may be ones (${model})`;
  document.title = `${folder} – selfie explorer`;
  const option = (value, text) => make("option", { value, textContent: text });
  const tops = new Map();
  for (const photo of photos) tops.set(photo.top, (tops.get(photo.top) ?? 0) + 1);
  for (const [top, times] of [...tops].sort((a, b) => b[1] - a[1])) {
    filters.elements.top.append(option(top, `${signals[top] ?? top} (${number(times)})`));
  }
  clusters.forEach((cluster, index) => filters.elements.cluster.append(option(index, `${index + 1} (${number(cluster.photos)})`)));
  filters.elements.front.parentElement.hidden = photos.every((photo) => photo.front === null);
  const days = photos.map((photo) => photo.taken?.slice(0, 10)).filter(Boolean).sort();
  for (const name of ["from", "until"]) {
    const input = filters.elements[name];
    input.parentElement.hidden = !days.length;
    [input.min, input.max] = [days[0] ?? "", days.at(-1) ?? ""];
  }
  if (unreadable.length) {
    $("unreadable").hidden = false;
    $("unreadable").querySelector("summary").textContent = `${number(unreadable.length)} files could not be read`;
    $("unreadable").querySelector("ul").append(...unreadable.map(([name, why]) => make("li", { textContent: `${name}: ${why}` })));
  }
  countAnswers();
  $("filter-box").open = innerWidth > 640;
  const asked = new URLSearchParams(location.hash.slice(1));
  if (asked.get("order") in orders) filters.elements.order.value = asked.get("order");
  choose(views.includes(asked.get("view")) ? asked.get("view") : "continuum", false);
  filter();
})();
