// The complementary error function in double precision, by the rational approximations of
// W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of
// Computation 23 (1969), with the coefficients of his program CALERF.

// Divide one polynomial by another; both have their highest powers first.
function rational(x, above, below) {
  const value = (sum, one) => sum * x + one;
  return above.reduce(value, 0) / below.reduce(value, 0);
}

// Compute e^(-y y) with y split in two, so that the rounding of y y is not magnified.
function bell(y) {
  const near = Math.trunc(16 * y) / 16;
  return Math.exp(-near * near) * Math.exp(-(y - near) * (y + near));
}

// Compute 1 - erf(x) without cancellation.
function erfc(x) {
  const y = Math.abs(x);
  if (y <= 0.46875) return 1 - x * rational(y * y, NEAR_0[0], NEAR_0[1]);
  let tail;
  if (y <= 4) tail = bell(y) * rational(y, UP_TO_4[0], UP_TO_4[1]);
  else if (y > 27) tail = 0;
  else {
    const z = 1 / (y * y);
    tail = (bell(y) / y) * (1 / Math.sqrt(Math.PI) - z * rational(z, BEYOND_4[0], BEYOND_4[1]));
  }
  return x < 0 ? 2 - tail : tail;
}

const NEAR_0 = [
  [1.85777706184603153e-1, 3.1611237438705656, 113.864154151050156, 377.485237685302021, 3209.37758913846947],
  [1, 23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062],
];

const UP_TO_4 = [
  [
    2.15311535474403846e-8, 0.564188496988670089, 8.88314979438837594, 66.1191906371416295, 298.635138197400131,
    881.95222124176909, 1712.04761263407058, 2051.07837782607147, 1230.33935479799725,
  ],
  [
    1, 15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019, 3290.79923573345963,
    4362.61909014324716, 3439.36767414372164, 1230.33935480374942,
  ],
];

const BEYOND_4 = [
  [
    1.63153871373020978e-2, 0.305326634961232344, 0.360344899949804439, 0.125781726111229246, 1.60837851487422766e-2,
    6.58749161529837803e-4,
  ],
  [1, 2.56852019228982242, 1.87295284992346725, 0.527905102951428412, 6.05183413124413191e-2, 2.33520497626869185e-3],
];
