"""Which emoji become concepts of the world, and the everyday words for those with odd official labels."""

GROUPS = {3, 4, 5, 6}  # emojibase: animals-nature, food-drink, travel-places, activities

EXCLUDED_SUBGROUPS = {"time", "award-medal", "place-map", "hotel", "arts-crafts"}

# Near-copies of another concept, scenes rather than objects, and drawings that no short word names.
EXCLUDED_LABELS = set(
    """
    guide dog; service dog; pig nose; paw prints; hatching chick; front-facing baby chick; wing; black bird;
    two-hump camel; wilted flower; rosette; leaf fluttering in wind; fallen leaf; four leaf clover; nest with eggs;
    green apple; cooking; shallow pan of food; fondue; stuffed flatbread; oden; fish cake with swirl; moon cake;
    mate; sake; pouring liquid; clinking beer mugs; clinking glasses; fork and knife; cup with straw; amphora;
    camping; beach with umbrella; desert; national park; mount fuji; desert island;
    building construction; derelict house; house with garden; Japanese post office; post office; love hotel;
    convenience store; school; department store; wedding; Tokyo tower; hindu temple; synagogue; shinto shrine; kaaba;
    stadium; foggy; night with stars; cityscape; sunrise over mountains; sunrise; cityscape at dusk; sunset;
    bridge at night; hot springs; high-speed train; railway car; metro; light rail; station; monorail; tram car;
    mountain railway; oncoming bus; oncoming police car; oncoming taxi; oncoming automobile; trolleybus; minibus;
    articulated lorry; auto rickshaw; bus stop; motorway; railway track; horizontal traffic light; construction;
    manual wheelchair; motorized wheelchair; ferry; motor boat; passenger ship; airplane departure; airplane arrival;
    seat; suspension railway; mountain cableway; aerial tramway; small airplane;
    new moon; waxing crescent moon; first quarter moon; waxing gibbous moon; waning gibbous moon; last quarter moon;
    waning crescent moon; new moon face; first quarter moon face; last quarter moon face; full moon face;
    glowing star; milky way; sun behind cloud; sun behind small cloud; sun behind large cloud;
    sun behind rain cloud; cloud with snow; cloud with lightning and rain; fog; wind face; cyclone; umbrella;
    umbrella on ground; closed umbrella; snowman without snow; high voltage;
    fireworks; sparkler; sparkles; tanabata tree; pine decoration; Japanese dolls; carp streamer; wind chime;
    moon viewing ceremony; red envelope; reminder ribbon; admission tickets; confetti ball; softball;
    cricket game; field hockey; lacrosse; martial arts uniform; running shirt; goal net; diving mask;
    slot machine; nesting dolls; spade suit; heart suit; diamond suit; club suit; joker; mahjong red dragon;
    flower playing cards; rugby football; flying disc; yo-yo; magic wand; potato; ice; jar
    """.replace("\n", " ").split(";")
)
EXCLUDED_LABELS = {label.strip() for label in EXCLUDED_LABELS}

ALIASES = {
    "automobile": ["car", "automobile"],
    "sport utility vehicle": ["SUV", "jeep"],
    "airplane": ["airplane", "plane"],
    "sailboat": ["boat", "sailboat"],
    "hamburger": ["burger", "hamburger"],
    "doughnut": ["donut", "doughnut"],
    "bicycle": ["bicycle", "bike"],
    "motorcycle": ["motorcycle", "motorbike"],
    "honeybee": ["bee", "honeybee"],
    "lady beetle": ["ladybug", "ladybird"],
    "red apple": ["apple"],
    "dog face": ["dog face", "puppy"],
    "cat face": ["cat face", "kitten"],
    "T-Rex": ["T-Rex", "dinosaur"],
    "sauropod": ["sauropod", "long-necked dinosaur"],
    "tangerine": ["orange", "tangerine"],
    "ear of corn": ["corn", "ear of corn"],
    "hot pepper": ["chili pepper", "hot pepper"],
    "cheese wedge": ["cheese", "cheese wedge"],
    "poultry leg": ["chicken leg", "drumstick"],
    "meat on bone": ["meat on the bone", "meat"],
    "cut of meat": ["steak", "cut of meat"],
    "french fries": ["french fries", "fries"],
    "soft ice cream": ["ice cream cone", "soft ice cream"],
    "ice cream": ["bowl of ice cream", "ice cream"],
    "hot beverage": ["cup of coffee", "coffee"],
    "teacup without handle": ["cup of tea", "tea"],
    "glass of milk": ["glass of milk", "milk"],
    "bottle with popping cork": ["champagne bottle", "bottle"],
    "cocktail glass": ["cocktail", "martini"],
    "beer mug": ["beer", "beer mug"],
    "wine glass": ["glass of wine", "wine"],
    "snow-capped mountain": ["snowy mountain"],
    "police car light": ["siren", "police light"],
    "vertical traffic light": ["traffic light"],
    "fire engine": ["fire truck", "fire engine"],
    "flying saucer": ["UFO", "flying saucer"],
    "soccer ball": ["soccer ball", "football"],
    "pool 8 ball": ["billiard ball", "8 ball"],
    "jack-o-lantern": ["pumpkin", "jack-o-lantern"],
    "wrapped gift": ["gift", "present"],
    "video game": ["game controller", "gamepad"],
    "umbrella with rain drops": ["umbrella"],
    "evergreen tree": ["pine tree", "evergreen tree"],
    "deciduous tree": ["tree"],
    "rabbit face": ["rabbit face", "bunny"],
    "blowfish": ["pufferfish", "blowfish"],
    "spiral shell": ["seashell", "shell"],
    "mouse face": ["mouse face"],
    "locomotive": ["steam train", "locomotive"],
    "bullet train": ["bullet train"],
    "delivery truck": ["truck", "delivery truck"],
    "motor scooter": ["scooter", "motor scooter"],
    "racing car": ["racing car", "race car"],
    "ringed planet": ["planet", "saturn"],
    "classical building": ["temple", "museum"],
    "game die": ["die", "dice"],
    "piñata": ["pinata"],
    "american football": ["american football"],
    "flag in hole": ["golf flag"],
    "sports utility vehicle": ["SUV"],
    "military medal": ["medal"],
    "cooked rice": ["bowl of rice", "rice"],
    "curry rice": ["curry"],
    "steaming bowl": ["bowl of noodles", "noodles"],
    "takeout box": ["takeout box"],
    "leafy green": ["lettuce", "leafy green"],
    "sheaf of rice": ["sheaf of rice"],
    "bowl with spoon": ["bowl of soup", "soup"],
    "fork and knife with plate": ["plate", "fork and knife with plate"],
    "cloud with rain": ["rain cloud"],
    "cloud with lightning": ["thunder cloud"],
    "sun with face": ["smiling sun"],
    "water wave": ["wave"],
    "small airplane": ["small airplane"],
    "honey pot": ["honey"],
    "beverage box": ["juice box"],
    "baby chick": ["chick"],
    "full moon": ["full moon", "moon"],
    "crescent moon": ["crescent moon"],
    "bullseye": ["target", "dartboard"],
    "mirror ball": ["disco ball"],
    "sports medal": ["medal"],
}
