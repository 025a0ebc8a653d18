import { describe, expect, it } from "vitest";
import { ceilTo, dec, decimalsOf, divFloor, floorTo, isMultiple, mulCeil, mulFloor, nearest, parse, toDigits, toText } from "../app/lib/decimal";

describe("reading and writing", () => {
  it("keeps every digit, also beyond what a float can hold", () => {
    for (const text of ["0", "1", "0.00000001", "61234.56", "12345678901234567890.12345678", "-0.5"]) expect(toText(dec(text))).toBe(text);
    expect(toText(dec("1.50000000"))).toBe("1.5");
    expect(toText(dec("5"), 2)).toBe("5.00");
    expect(dec("0.1") + dec("0.2")).toBe(dec("0.3"));
  });
  it("refuses what is not a plain decimal of at most eight places", () => {
    for (const text of ["", ".", ".5", "1e5", "1,5", " 1", "+1", "0x1", "NaN", "0.000000001", "123456789012345678901"]) expect(parse(text)).toBeNull();
    expect(parse("1.")).toBe(dec("1"));
    expect(() => dec("1e-5")).toThrow(/not a decimal/);
  });
  it("rounds for display half up in magnitude", () => {
    expect(toDigits(dec("1.005"), 2)).toBe("1.01");
    expect(toDigits(dec("-1.005"), 2)).toBe("-1.01");
    expect(toDigits(dec("-0.004"), 2)).toBe("0.00");
    expect(toDigits(dec("0.999"), 0)).toBe("1");
    expect(toDigits(dec("0.00000001"), 8)).toBe("0.00000001");
  });
});

describe("arithmetic", () => {
  it("rounds products and quotients as named", () => {
    expect(mulFloor(dec("0.00000001"), dec("0.5"))).toBe(0n);
    expect(mulCeil(dec("0.00000001"), dec("0.5"))).toBe(1n);
    expect(mulFloor(dec("61234.56"), dec("0.1"))).toBe(dec("6123.456"));
    expect(mulCeil(dec("61234.56"), dec("0.1"))).toBe(dec("6123.456"));
    expect(divFloor(dec("1"), dec("3"))).toBe(dec("0.33333333"));
    expect(mulFloor(dec("-0.00000001"), dec("0.5"))).toBe(-1n);
  });
  it("finds the grid", () => {
    const tick = dec("0.01");
    expect(floorTo(dec("1.239"), tick)).toBe(dec("1.23"));
    expect(ceilTo(dec("1.231"), tick)).toBe(dec("1.24"));
    expect(nearest(dec("1.235"), tick)).toBe(dec("1.24"));
    expect(nearest(dec("1.2349"), tick)).toBe(dec("1.23"));
    expect(isMultiple(dec("1.23"), tick)).toBe(true);
    expect(isMultiple(dec("1.231"), tick)).toBe(false);
    expect(isMultiple(dec("1.231"), 0n)).toBe(true);
    expect([decimalsOf(tick), decimalsOf(dec("1")), decimalsOf(dec("10")), decimalsOf(dec("0.00000001")), decimalsOf(0n)]).toEqual([2, 0, 0, 8, 8]);
  });
});
