/**
 * Money as integers: a `Fixed` is a decimal number times 10^8, the precision of every asset here.
 * Nothing that a user sends passes through a floating-point number; `toNumber` exists for drawing only.
 */
export type Fixed = bigint;

export const DIGITS = 8;
export const ONE: Fixed = 100_000_000n;

const PATTERN = /^(-?)(\d{1,20})(?:\.(\d{0,8}))?$/;

/** Reads a plain decimal; `null` for anything else, also for more than eight decimals (never rounded silently). */
export function parse(text: string): Fixed | null {
  const m = PATTERN.exec(text);
  if (!m) return null;
  const value = BigInt(m[2]!) * ONE + BigInt((m[3] ?? "").padEnd(DIGITS, "0"));
  return m[1] === "-" ? -value : value;
}

/** Reads a decimal that the server sent; a malformed one is a programming error somewhere and throws. */
export function dec(text: string): Fixed {
  const value = parse(text.trim());
  if (value === null) throw new Error(`not a decimal: ${JSON.stringify(text)}`);
  return value;
}

/** Exact text with at least `min` and at most eight decimals, trailing zeros removed. */
export function toText(value: Fixed, min = 0): string {
  const negative = value < 0n;
  const abs = negative ? -value : value;
  let fraction = (abs % ONE).toString().padStart(DIGITS, "0").replace(/0+$/, "");
  if (fraction.length < min) fraction = fraction.padEnd(min, "0");
  return `${negative ? "-" : ""}${abs / ONE}${fraction ? `.${fraction}` : ""}`;
}

/** Text with exactly `digits` decimals, rounded half up in magnitude. For display. */
export function toDigits(value: Fixed, digits: number): string {
  const unit = 10n ** BigInt(DIGITS - digits);
  const negative = value < 0n;
  const rounded = ((negative ? -value : value) + unit / 2n) / unit;
  const text = rounded.toString().padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  const sign = negative && rounded !== 0n ? "-" : "";
  return digits === 0 ? sign + text : `${sign}${whole}.${text.slice(-digits)}`;
}

/** For charts and bar lengths only. */
export function toNumber(value: Fixed): number {
  return Number(value) / 1e8;
}

export function mulFloor(a: Fixed, b: Fixed): Fixed {
  return floorDiv(a * b, ONE);
}

export function mulCeil(a: Fixed, b: Fixed): Fixed {
  return -floorDiv(-(a * b), ONE);
}

/** `a / b` rounded down; `b` must not be zero. */
export function divFloor(a: Fixed, b: Fixed): Fixed {
  return floorDiv(a * ONE, b);
}

/** The largest multiple of `step` not above `value`; a step of zero means no grid. */
export function floorTo(value: Fixed, step: Fixed): Fixed {
  return step === 0n ? value : floorDiv(value, step) * step;
}

/** The smallest multiple of `step` not below `value`. */
export function ceilTo(value: Fixed, step: Fixed): Fixed {
  return step === 0n ? value : -floorDiv(-value, step) * step;
}

/** The multiple of `step` nearest to `value`, upwards when both are as near. */
export function nearest(value: Fixed, step: Fixed): Fixed {
  return step === 0n ? value : floorTo(value + step / 2n, step);
}

export function isMultiple(value: Fixed, step: Fixed): boolean {
  return step === 0n || value % step === 0n;
}

/** How many decimals a grid needs: 0.01 has 2, 1 has 0, 0.00000001 has 8. */
export function decimalsOf(step: Fixed): number {
  if (step === 0n) return DIGITS;
  const text = toText(step);
  const dot = text.indexOf(".");
  return dot < 0 ? 0 : text.length - dot - 1;
}

export function min(a: Fixed, b: Fixed): Fixed {
  return a < b ? a : b;
}

export function max(a: Fixed, b: Fixed): Fixed {
  return a > b ? a : b;
}

export function abs(a: Fixed): Fixed {
  return a < 0n ? -a : a;
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}
