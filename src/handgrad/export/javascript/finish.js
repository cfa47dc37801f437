// From scores to predictions, and the mean of several networks.

// Refuse scores that are not finite.
function finite(score) {
  if (areFinite(score)) return score;
  throw new Error("the scores are too large, because the cells lie too far from those of the training rows; check the row");
}

function logSoftmax(score) {
  let most = -Infinity, sum = 0;
  for (const one of score) most = Math.max(most, one);
  for (const one of score) sum += Math.exp(one - most);
  const log = Math.log(sum);
  return Array.from(score, (one) => one - most - log);
}

// Compute log(1 / (1 + e^-score)), finite for every finite score.
function logLogistic(score) {
  return Math.min(score, 0) - Math.log1p(Math.exp(-Math.abs(score)));
}

// Average the rows of k networks; k shares sum to 1, and none are equal ones.
function meanOf(rows, shares) {
  return Array.from(rows[0], (_, at) => {
    const sum = rows.reduce((all, row, k) => all + (shares ? shares[k] : 1) * row[at], 0);
    return shares ? sum : sum / rows.length;
  });
}

// Compute log mean exp over the networks, without overflow.
function logMeanExp(rows, shares) {
  const most = Array.from(rows[0], (_, at) => rows.reduce((a, row) => Math.max(a, row[at]), -Infinity));
  const shifted = rows.map((row) => Array.from(row, (one, at) => Math.exp(one - most[at])));
  return meanOf(shifted, shares).map((one, at) => most[at] + Math.log(one));
}

// Give the scores whose probabilities are the mean of k networks'.
function meanLogOdds(rows, shares) {
  const of = (sign) => logMeanExp(rows.map((row) => Array.from(row, (one) => logLogistic(sign * one))), shares);
  const yes = of(1), no = of(-1);
  return yes.map((one, at) => one - no[at]);
}

// Hold a probability between 0 and 1, both excluded.
function neverCertain(y) {
  return Math.max(LEAST, Math.min(MOST, y));
}

// Find the place of the highest score, the first of several.
function highest(score) {
  return score.indexOf(score.reduce((a, b) => Math.max(a, b)));
}

// Let the numbers of each target ascend, n of them.
function ascending(y, n) {
  const targets = Array.from({ length: y.length / n }, (_, at) => y.slice(at * n, (at + 1) * n));
  return targets.flatMap((own) => own.sort((a, b) => a - b));
}

// Predict row by row, and say which of them cannot be used.
function each(rows, predictRow) {
  if (!Array.isArray(rows)) throw new Error("what is predicted must be an array of rows; put a single row into brackets");
  return Array.from(rows, (row, at) => {
    try {
      return predictRow(row);
    } catch (error) {
      throw new Error(`row ${at + 1}: ${error.message}`, { cause: error });
    }
  });
}
