import { useEffect, useState } from 'react';
import { scaleOf } from '@/features/wall/model/scale';

const sizeOfWindow = () => ({ width: window.innerWidth, height: window.innerHeight });

/** The scale that fits the screen. */
export function useScale(): number {
  const [scale, setScale] = useState(() => scaleOf(sizeOfWindow()));
  useEffect(() => {
    const end = new AbortController();
    const measure = () => setScale(scaleOf(sizeOfWindow()));
    window.addEventListener('resize', measure, { signal: end.signal });
    return () => end.abort();
  }, []);
  return scale;
}

/** Keeps the screen on, where the browser can. It lets go whenever the page is hidden, so every return asks again. */
export function useWakeLock(): void {
  useEffect(() => {
    const end = new AbortController();
    let lock: WakeLockSentinel | null = null;
    const request = async () => {
      if (document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
      // Refused on low battery; the wall works without it.
      const held = await navigator.wakeLock.request('screen').catch(() => null);
      if (end.signal.aborted) void held?.release();
      else lock = held;
    };
    void request();
    const options = { signal: end.signal };
    document.addEventListener('visibilitychange', () => void request(), options);
    return () => {
      end.abort();
      void lock?.release();
    };
  }, []);
}

/** Leaves when Escape is pressed or full screen ends, which Escape does by itself. */
export function useLeaving(onLeave: () => void): void {
  useEffect(() => {
    const end = new AbortController();
    const { signal } = end;
    const press = ({ key }: KeyboardEvent) => {
      if (key === 'Escape') onLeave();
    };
    const change = () => {
      if (document.fullscreenElement === null) onLeave();
    };
    window.addEventListener('keydown', press, { signal });
    document.addEventListener('fullscreenchange', change, { signal });
    return () => end.abort();
  }, [onLeave]);
}

/** The pointer and its controls stay for this long after it has moved. */
const POINTER_MS = 4_000;

/** Whether somebody has just used the pointer. */
export function useIsPointing(): boolean {
  const [isPointing, setPointing] = useState(false);
  useEffect(() => {
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const point = () => {
      setPointing(true);
      clearTimeout(timer);
      timer = setTimeout(() => setPointing(false), POINTER_MS);
    };
    window.addEventListener('pointermove', point, { signal: end.signal });
    window.addEventListener('pointerdown', point, { signal: end.signal });
    return () => {
      end.abort();
      clearTimeout(timer);
    };
  }, []);
  return isPointing;
}
