/**
 * The Natural Earth projection (Šavrič et al., 2011), which distorts the north less than a plain grid does.
 *
 * From degrees to degrees, with y downwards.
 */
export function project(lon: number, lat: number): [x: number, y: number] {
  const phi = (lat * Math.PI) / 180;
  const square = phi * phi;
  const fourth = square * square;
  const width =
    0.8707 -
    0.131979 * square +
    fourth * (-0.013791 + fourth * (0.003971 * square - 0.001529 * fourth));
  const height =
    phi *
    (1.007226 + square * (0.015085 + fourth * (-0.044475 + 0.028874 * square - 0.005916 * fourth)));
  return [lon * width, -(height * 180) / Math.PI];
}
