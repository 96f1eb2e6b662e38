//! Phrases used by unhappy authors, with lists for each kind of unhappiness.

pub const ANGRY_OPENINGS: [&str; 14] = [
    "Seriously? ",
    "I have had it: ",
    "Unacceptable. ",
    "Are you kidding me? ",
    "@nimbrel ",
    "For the {n}th time, ",
    "Again! ",
    "Dear {brand}, ",
    "So much for quality: ",
    "Unbelievable, ",
    "Once more for the people in the back: ",
    "Enough. ",
    "Day {n} without help: ",
    "After {since} of this, ",
];

pub const ANGRY_CLOSINGS: [&str; 16] = [
    " Fix it now!",
    " I want my money back.",
    " Never again.",
    " Worst {thing} I have ever had.",
    " Do better.",
    " What am I paying {price} for?",
    " Zero stars if I could.",
    " And nobody answers.",
    " Stay away from it.",
    " This is ridiculous.",
    " I have waited {minutes} minutes in the queue. Twice.",
    " Ticket {order}, still open.",
    " Everybody in {city} says the same.",
    " What a waste.",
    " Shame on you.",
    "",
];

pub const ANGER: [&str; 16] = [
    "my {product} {fault}. I am furious.",
    "the {product} {fault} and support hangs up on me!",
    "I paid {price} for a {thing} that {fault}!",
    "the {feature} of the {product} is broken again. How hard can it be?",
    "your {product} {fault}, and your answer is to restart it?",
    "{n} calls, {n} different answers, and the {product} still {fault}.",
    "the last update ruined the {feature}. Now the {product} {fault}.",
    "the {product} {fault}. I have a job to do!",
    "three replacements and every single {product} {fault}.",
    "I am so angry: the {product} {fault} and they charge {price} for it.",
    "{agent} promised a call on {day}. No call, and my {product} {fault}.",
    "why does a {thing} for {price} have a {feature} that never works?",
    "nobody at {brand} takes responsibility. The {product} {fault}!",
    "the {product} {fault}, every day, for {since}. Outrageous.",
    "do you even test the {feature}? The {product} {fault}!",
    "stop selling the {product} if it {fault}!",
];

pub const DISGUST: [&str; 10] = [
    "it is disgusting how {brand} treats people whose {product} {fault}.",
    "the refurbished {product} came with somebody's hair in the {feature}. Gross.",
    "selling my data while the {product} {fault}? That is sickening.",
    "the {product} smelled of burnt plastic and the {feature} was sticky. Revolting.",
    "hiding the fee for the {product} in the small print is vile.",
    "makes me sick that they ask {price} for a {thing} that {fault}.",
    "those fake reviews of the {product} are nauseating. It {fault}.",
    "the way {agent} spoke to my {friend} about the {product} was repulsive.",
    "dirty {feature}, dirty tricks. The {product} {fault}. Yuck.",
    "what a filthy business: the {product} {fault}, and they blame the customer.",
];

pub const WORRIED_OPENINGS: [&str; 8] = [
    "I am worried: ",
    "Is this safe? ",
    "Please tell me I am wrong: ",
    "This scares me. ",
    "I could not sleep: ",
    "Warning: ",
    "Careful, everybody: ",
    "Help, please: ",
];

pub const FEAR: [&str; 12] = [
    "the {product} {fault}, and I am afraid somebody is in my account.",
    "the {product} {fault}. What if that happens while I drive?",
    "my {product} {fault} and I am scared to leave it on at night.",
    "I am afraid the {product} is not safe for my {friend}: it {fault}.",
    "somebody logged in to my {product} from another country. I am terrified.",
    "the {feature} of the {product} got so hot that I fear a fire.",
    "I dread every update of the {product}. Last time the {feature} was gone.",
    "are my data still safe? The {product} {fault}.",
    "I am nervous about my {product} since I read about the leak.",
    "what if the {product} loses everything? It {fault} already.",
    "I panic each time the {product} {fault}.",
    "my {friend} depends on the {product}, and it {fault}. I am really frightened.",
];

pub const SAD_OPENINGS: [&str; 12] = [
    "Sad to say, ",
    "I wanted to love it, but ",
    "Such a pity: ",
    "With a heavy heart: ",
    "I miss the old {brand}. ",
    "Disappointed: ",
    "It used to be so good. Now ",
    "Not the present I hoped for: ",
    "I feel let down: ",
    "What a shame, ",
    "After {since} of loyalty, ",
    "Sigh. ",
];

pub const SAD_CLOSINGS: [&str; 12] = [
    " I expected more.",
    " It makes me sad.",
    " I had hoped for better.",
    " It was once the best.",
    " Please bring it back.",
    " My {friend} cried.",
    " I really tried.",
    " Not what it was.",
    " Greetings from {city}, sadly.",
    " So disappointing.",
    " I do not know what to do.",
    "",
];

pub const SADNESS: [&str; 14] = [
    "the {product} {fault}. So disappointing.",
    "my {product} {fault}, and nobody seems to care.",
    "I saved for {since} to buy the {product}, and it {fault}.",
    "the {product} {fault}. My {friend} was looking forward to it so much.",
    "the {feature} is not what it used to be. I miss the old {product}.",
    "I lost pictures of my late father because the {product} {fault}.",
    "I defended {brand} for years, and now my {product} {fault}.",
    "the {product} was a birthday present and it {fault}. Heartbroken.",
    "they took away the {feature}, the one thing I liked about the {product}.",
    "I feel ignored. {since} without an answer, and the {product} {fault}.",
    "the {product} {fault} and the warranty ended on {day}. I could cry.",
    "it hurts to see what became of the {feature} of the {product}.",
    "nobody called back about my {product}. It {fault}, and I feel alone with it.",
    "the {product} {fault}. Not even an apology.",
];

pub const BAD_SURPRISE: [&str; 10] = [
    "the {product} suddenly {fault}. Since when?",
    "my bill for the {product} went from {price} to three times that. What?",
    "woke up and the {feature} of my {product} was gone. Just like that.",
    "I opened the box of the {product} and there was nothing in it.",
    "overnight the {product} {fault}. I did not touch anything!",
    "they cancelled my {product} order without telling me. Excuse me?",
    "I was charged {n} times for one {product}. How is that possible?",
    "the {feature} of the {product} costs extra now? Since {day}?",
    "they sent me a {product} that belongs to somebody in {city}.",
    "one update later the {product} {fault}. I am stunned.",
];

pub const LEAVING_ANGRY: [&str; 16] = [
    "the {product} {fault}. I am cancelling my subscription today.",
    "that is it, I am switching to {rival}. The {product} {fault}.",
    "cancel my account. I will not pay {price} for a {thing} that {fault}.",
    "I am done with {brand}. My {product} {fault} and I already ordered a {rival}.",
    "how do I close my {product} account? I am leaving for {rival}.",
    "after {since} as a customer I am leaving. The {product} {fault}.",
    "just cancelled the {product}. {rival} has a better {feature} for less.",
    "last warning: if the {product} {fault} once more, I go to {rival}.",
    "I want out of my contract for the {product}. It {fault}.",
    "deleting the {product} and moving everything to {rival}. Goodbye.",
    "terminate my plan at the end of the month. The {product} {fault}.",
    "{rival} offered me half of {price}. Bye, {product}.",
    "this was my last month with the {product}. Cancelling on {day}.",
    "I am porting everything to {rival}: the {product} {fault}.",
    "please stop the renewal of my {product}. I am not staying.",
    "I asked to cancel the {product} {n} times now. Let me go!",
];

pub const LEAVING_SAD: [&str; 10] = [
    "I am cancelling the {product} after {since}. It {fault}, and I cannot go on like this.",
    "I have decided to leave for {rival}. The {product} {fault}.",
    "I am thinking of switching to {rival}, because the {product} {fault}.",
    "time to say goodbye to the {product}. I will close my account on {day}.",
    "I will not renew the {product}. {price} is too much for a {thing} that {fault}.",
    "we are moving the whole family from the {product} to {rival}.",
    "I am returning the {product} and going back to {rival}.",
    "after {since} I will end my subscription to the {product}. It {fault}.",
    "my {friend} left for {rival} already, and I will follow. The {product} {fault}.",
    "please cancel my {product}. I am sorry to go, but it {fault}.",
];

pub const RUDE: [&str; 12] = [
    "the clowns at {brand} sold me a {thing} that {fault}.",
    "which idiot designed the {feature} of the {product}? It {fault}.",
    "the {product} is garbage, made by morons. It {fault}.",
    "{agent} from support is a complete fool. The {product} {fault}.",
    "only a bunch of liars could sell the {product}. It {fault}.",
    "your developers are brain-dead. The {product} {fault}.",
    "pathetic losers. The {product} {fault} and you celebrate yourselves.",
    "shut up about your {feature}, you crooks. The {product} {fault}.",
    "the {product} is stupid, and so is everybody who built it. It {fault}.",
    "what a crappy joke of a company. The damn {product} {fault}.",
    "hey {brand}, you greedy thieves, the {product} {fault}.",
    "dumbest {thing} ever, from the dumbest company ever. It {fault}.",
];
