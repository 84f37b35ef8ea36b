import { describe, expect, it } from 'vitest';
import { fromZero, looseRange, wantsLog } from '../../../src/report/charts/axis-range.ts';
import { escaped, shortName, writable } from '../../../src/report/charts/names.ts';
import { amountText, changeText, countText, pointsText } from '../../../src/report/charts/number-text.ts';
import { roundCoordinates } from '../../../src/report/charts/svg.ts';

describe('numbers in charts', () => {
  it('have three digits and a unit', () => {
    expect([940, 1728, 999_600, 1_716_234, 4.09e9].map(countText)).toEqual(['940', '1.73k', '1.00M', '1.72M', '4.09G']);
  });

  it('are percent and points of percent', () => {
    expect([0.07, 0.125, 0.5].map(amountText)).toEqual(['7%', '12.5%', '50%']);
    expect([-0.0125, 0.0025, -0.000001].map((value) => pointsText(value))).toEqual(['\u22121.25', '+0.25', '0.00']);
  });

  it('are changes, and only what vanished is all less', () => {
    expect(changeText(100, 53)).toBe('\u221247%');
    expect(changeText(100, 101.5)).toBe('+1.5%');
    expect(changeText(1e6, 1)).toBe('\u221299.9%');
    expect(changeText(100, 0)).toBe('\u2212100.0%');
    expect(changeText(100, 100)).toBe('±0%');
    expect(changeText(0, 5)).toBe('');
  });
});

describe('names in charts', () => {
  it('are shortened in the middle, whole characters kept', () => {
    expect(shortName('conv1', 8)).toBe('conv1');
    expect(shortName('/model/layers.12/conv/Conv', 14)).toBe('/mo…/conv/Conv');
    expect([...shortName('😀'.repeat(30), 10)]).toHaveLength(10);
    expect(shortName('a\n b', 8)).toBe('a b');
  });

  it('are escaped, and hold nothing that XML cannot', () => {
    expect(escaped('<a b="c">&\'')).toBe("&lt;a b=&quot;c&quot;&gt;&amp;'");
    expect(writable('a\u0000b\ud800c😀\uffff')).toBe('a\ufffdb\ufffdc😀\ufffd');
  });
});

it('Coordinates are rounded, texts and colours are not', () => {
  const markup =
    '<path d="M1.23456,-0.00049L1e-7,2" fill="x 1.23456"/><title>x="1.23456"</title><g transform="translate(0.5,10.126)">';
  expect(roundCoordinates(markup)).toBe(
    '<path d="M1.23,0L1e-7,2" fill="x 1.23456"/><title>x="1.23456"</title><g transform="translate(0.5,10.13)">',
  );
});

describe('ranges of axes', () => {
  it('start at 0 only where values come near it, and span no less than the least', () => {
    expect(looseRange([10, 95], 1, 100)[0]).toBe(0);
    const [from, to] = looseRange([97.9, 97.8], 1, 100);
    expect(from).toBeCloseTo(97.35, 6);
    expect(to).toBeCloseTo(98.35, 6);
    expect(looseRange([100, 99.9], 1, 100)[1]).toBe(100);
    expect(fromZero([2, 5])[1]).toBeCloseTo(5.3, 9);
    expect(fromZero([0])).toEqual([0, 1]);
  });

  it('are logarithmic where positive values span more than 30 times', () => {
    expect(wantsLog([0.1, 3.1])).toBe(true);
    expect(wantsLog([0.1, 2.9])).toBe(false);
    expect(wantsLog([0, 100])).toBe(false);
  });
});
