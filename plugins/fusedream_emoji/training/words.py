"""Common English words of picture descriptions, so that the tokenizer has pieces for what captions don't say."""

COMMON = """
about above across after again air alone along also always animal another any apple area arm around art asleep
at away baby back bad bag ball bath beach beautiful bed bedroom beer behind below bench best better between
beyond big bird birthday black blanket blue body book bottle bottom bowl box boy bread bridge bright broken
brown brush building bunch business busy by cake camera candle car card carry castle cat catch ceiling center
chair chasing child children christmas city clean clear clock close closeup cloth clothes clouds cloudy coat
cold color colorful colour colourful common computer cook cool corner couch country couple cover covered cow
crowd cup curtain cut cute dark day deep desk detailed dinner dirt dirty dish dog door double down drawing
dress drink driving dry early earth eating edge elegant empty evening every eye eyes face fall family fancy
fantasy far farm fast fat father feet fence few field fine fire first fish flag floor flower flowers flying
food foot forest fork four frame fresh friend from front fruit full funny furniture game garden ghost giant
girl glass glasses glowing go goes gold golden good grass gray great green grey ground group grown hair half
hand hands hanging happy hard has hat have head heavy hello here high hill holding home hot house huge human
ice in inside into island it its jumping just keep kid kitchen knife lake lamp land large last laying leaf
leather leaves left leg legs letter light like line little living long looking lot love low lunch lying
machine made magic man many market mat meal metal middle milk mirror modern money moon more morning most
mother mountain mouth moving music near neck new next nice night no nose not number ocean of off office oil
old on one open orange other out outdoors outside over painting pair paper parade park parked part party path
pattern people person phone photo piece pile pink pizza place plain plane plant plastic plate play player
playing plus point pole police pool poor power pretty purple queen quick quiet race rain rainy ready real
realistic red rest rich riding right ring river road rock roof room round row running sad sail same sand scene
school sea seat second see set shadow shape sharp she shelf shining shiny ship shirt shoes shop short show
shower side sign silver simple single sink sitting skiing sky sleeping slice small smiling smoke snow soft
some song space sport spring stand standing star station still stone store stormy straight strange street
strong style suit summer sun sunny sunset surf sweet swimming table tail tall teddy ten texture that their
them there these they thick thin thing this three through time tiny to together top tower town toy track
traffic train transparent tree trees trip truck turquoise two ugly under up urban use vase vegetable very view
vintage violet walking wall warm watch water wave wearing weather wet wheel while white wide wild wind window
wine winter with without woman wonderful wood wooden word work world yard year yellow you young zoo
"""
