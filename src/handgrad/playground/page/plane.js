// The plane of two inputs: from a point to its place on a square, and back.

export function place([left, right, low, high], [x1, x2], size) {
  return [((x1 - left) / (right - left)) * size, ((high - x2) / (high - low)) * size];
}

export function pointAt([left, right, low, high], across, down) {
  return [left + across * (right - left), high - down * (high - low)];
}

export function nearest(points, x1, x2) {
  let best = 0, least = Infinity;
  points.forEach(([a, b], row) => {
    const distance = (a - x1) ** 2 + (b - x2) ** 2;
    if (distance < least) [best, least] = [row, distance];
  });
  return best;
}
