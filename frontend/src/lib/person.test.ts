import { describe, expect, it } from 'vitest';
import { person, problemWithName } from '@/lib/person';

describe('the name of a person', () => {
  it('is kept in its tidy form and sent percent-encoded', () => {
    person.rename('  Ana   Mu\u0308ller ');
    expect(person.name()).toBe('Ana Müller');
    expect(person.headers()).toEqual({ 'x-groundswell-actor': 'Ana%20M%C3%BCller' });
    expect(localStorage.getItem('groundswell.name')).toBe('Ana Müller');
    person.rename(' ');
    expect(person.headers()).toEqual({});
    expect(localStorage.getItem('groundswell.name')).toBeNull();
  });

  it.each([
    ['', null],
    ['山田 太郎', null],
    ['a'.repeat(80), null],
    ['a'.repeat(81), 'Use at most 80 characters.'],
    ['\u202eanA', 'Use only visible characters.'],
    ['A\u0000', 'Use only visible characters.'],
    ['\ud800', 'Use only visible characters.'],
  ])('%j: %j', (name, problem) => {
    expect(problemWithName(name)).toBe(problem);
  });

  it('follows other tabs', () => {
    localStorage.setItem('groundswell.name', 'Bob');
    window.dispatchEvent(new StorageEvent('storage', { key: 'groundswell.name' }));
    expect(person.name()).toBe('Bob');
    person.rename('');
  });
});
