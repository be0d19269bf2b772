"""What the demo's open rooms say: rooms, the roles that speak in them, and their lines. Data only."""

from __future__ import annotations

from typing import Final, NamedTuple


class RoomTalk(NamedTuple):
    """One open room and what was said in it, oldest first; each line is `role: words`."""

    slug: str
    name: str
    description: str
    days: float  # how long ago it began
    lines: str


ROLES: Final = {
    "朝": "早起きの会員",
    "夜": "夜型の会員",
    "料": "料理好きの会員",
    "旅": "旅好きの会員",
    "本": "本好きの会員",
    "写": "写真好きの会員",
    "新": "入ったばかりの会員",
    "学": "勉強中の会員",
    "詩": "俳句の会員",
    "e": "Early bird",
    "c": "Cyclist",
    "r": "Reader",
    "t": "Traveller",
}
"""The display names of those who speak, by the sign that the lines use."""

TALK: Final = (
    RoomTalk(
        "welcome",
        "はじめまして",
        "自己紹介とあいさつの部屋です。 / Say hello here.",
        9.0,
        """
新: はじめまして。今日登録しました。よろしくお願いします。
朝: ようこそ！わからないことは「使い方」の部屋で聞くと早いですよ。
新: ありがとうございます。誰でも読める部屋なんですね。
料: そうです。だから住所や電話番号は書かないでくださいね。
新: なるほど、気をつけます。
t: Hello! Is English fine here, too?
夜: Of course. There is an English corner as well.
t: Great, see you there.
旅: はじめまして。週末に鉄道で旅をするのが好きです。
写: 旅先の写真の話、楽しみにしています。
本: 本の話をしたい人は「読んだ本」にもどうぞ。
朝: 今週は新しい人が多くてにぎやかですね。
""",
    ),
    RoomTalk(
        "chat",
        "雑談",
        "話題は何でも。 / Anything goes.",
        7.5,
        """
朝: おはようございます。今朝は息が白かったです。
料: もう鍋の季節ですね。昨日は白菜と豚肉でした。
夜: さっき寝ようとしたのに、その話でお腹がすいてきた……
料: 夜中の鍋はだめですよ笑
写: 駅前の銀杏がきれいでした。明日の朝が見ごろかも。
朝: 通勤のときに見てみます！
旅: 来週、北のほうは雪だそうです。
新: こたつを出すか迷っています。
夜: 出したら負け。でも出す。
本: こたつと本とみかん。ほかに何がいりますか。
料: お茶です。
朝: 名言が出ました。
新: 結局、出しました。もう動けません。
夜: ようこそ、こちら側へ。
写: 銀杏、見てきました。すごい黄色でした。
朝: 同じ木を見たかもしれません。根元にベンチがあるところ？
写: そうです！あのベンチです。
""",
    ),
    RoomTalk(
        "help",
        "使い方",
        "わからないことをたずねる部屋です。 / Questions about this place.",
        8.0,
        """
新: 自分の発言は直せますか？
朝: 直せます。自分の発言にある「編集」から。直したことは印でわかります。
新: 消すこともできますか？
朝: できます。消すと、ほかの人からも見えなくなります。
夜: 改行したいときは Shift+Enter です。
新: 二人だけで話すにはどうすればいいですか？
料: 運営者の届出とチェックが済んでいるときだけ使えます。上の印を見るとわかりますよ。
新: 印が点線のときは、まだ使えないということですね。
料: そうです。理由と条文がページに書いてあります。
t: How do I change the language?
朝: Open the menu at the top right. Both languages are there.
t: Found it, thank you.
学: 電波が悪いときに書いたら、どうなりますか？
夜: 「送信待ち」になって、つながったら送られます。消えません。
""",
    ),
    RoomTalk(
        "english",
        "English corner",
        "英語で話す部屋です。 / Let's talk in English.",
        6.5,
        """
t: Good evening from a very slow train.
e: Good morning! It is all a matter of where one sits.
r: Which line is it?
t: A local one along the coast. Two carriages, one passenger, and that is me.
c: I rode along that coast last month. Mind the wind.
学: I study English. May I write here with mistakes?
e: Please do. We read what you mean.
学: Thank you. Today I learned the word "drizzle".
r: A fine word. It rains so that you hardly notice, and you are wet all the same.
学: In Japanese we have 霧雨, "fog rain".
r: Fog rain! That is better than ours.
c: Fog rain is also what stops my bicycle lamp.
t: Update: a second passenger. We nodded.
e: The party grows.
""",
    ),
    RoomTalk(
        "cooking",
        "今日のごはん",
        "作ったもの、食べたもの、失敗したもの。",
        7.0,
        """
料: 今日は大根と鶏の煮物。味がしみるまで待てるかどうか。
新: 大根がいつも硬いままです。
料: 先に米のとぎ汁で下ゆですると、やわらかくなりますよ。
新: とぎ汁、捨てていました……
朝: 電子レンジで先に温めるのも手軽です。
夜: 夜食に焼きおにぎり。味噌を塗ってこがすだけ。
料: こげた味噌は正義です。
本: 小説に出てくる食べ物を作るのが好きです。今日は卵焼き。
旅: 駅弁の卵焼きは、なぜあんなにおいしいのか。
料: 冷めてもおいしいように、少し甘くしてあるんです。
新: 下ゆで、やってみました。大根が箸で切れました！
料: おめでとうございます！
朝: 湯気が見える報告でした。
""",
    ),
    RoomTalk(
        "photos",
        "写真の話",
        "撮った場所と時間、光の話。",
        6.0,
        """
写: 朝の七時、川の上に霧が出ていました。
朝: その時間、走っていました。橋から見えましたよ。
写: 橋の上の人、写っているかもしれません。後ろ姿ですが。
朝: 青い上着なら私です笑
旅: 電車の窓から撮ると、いつも自分が写りこみます。
写: レンズを窓につけて、黒い布でおおうと減ります。
旅: 明日ためします。
夜: 夜の写真は手ぶれとの戦いです。
写: 手すりにカメラを置いて、二秒のタイマーで。
夜: それだけで変わりました。ありがとうございます。
""",
    ),
    RoomTalk(
        "books",
        "読んだ本",
        "感想はネタバレなしで。",
        9.0,
        """
本: 今月は短編集を三冊読みました。
学: 短編は寝る前にちょうどいいですね。
本: そう思って読みはじめて、二時になりました。
夜: 二時はまだ夕方です。
r: May I ask for a book with simple Japanese?
本: 童話はどうでしょう。宮沢賢治は、言葉がやさしくて深いです。
r: I will look for one with furigana. Thank you.
学: 図書館の「やさしい日本語」の棚もおすすめです。
r: There is such a shelf? Wonderful.
本: 返却期限を守れる人になりたい。
学: カレンダーに入れましょう。
本: カレンダーを見る人になりたい。
""",
    ),
    RoomTalk(
        "night",
        "夜更かし",
        "眠れない人、寝る気のない人。",
        5.0,
        """
夜: 一時。静かですね。
本: 起きています。あと一章だけ。
夜: 「あと一章」を信じたことがありません。
学: 試験前なので起きています。
夜: えらい。お茶をいれましょう、それぞれの家で。
学: いれました。
本: ほうじ茶にしました。
夜: こちらは白湯です。健康。
学: 範囲の半分まで来ました。
本: 今日はそこまでにして、朝にもう半分がいいと思います。
学: そうします。おやすみなさい。
夜: おやすみなさい。よい点を。
""",
    ),
    RoomTalk(
        "study",
        "いっしょに勉強",
        "始めるときと休むときに一言。",
        4.0,
        """
学: 九時から始めます。今日は統計です。
朝: 私は資格の過去問を一年分。
新: 英単語、五十個やります。
学: 休憩。平均と中央値を取りちがえていました。
朝: 中央値は、並べた真ん中です。
学: 並べるんですね……並べていませんでした。
新: 三十個で止まりました。
朝: 三十個も進んだと言いましょう。
新: 三十個も進みました！
学: 再開します。
朝: 一年分おわり。七割でした。
学: 合格ラインですね。おめでとうございます。
""",
    ),
    RoomTalk(
        "haiku",
        "一句どうぞ",
        "季語があってもなくても。",
        8.5,
        """
詩: 初霜や 通勤靴の 音かたし
朝: 今朝のことですね。踏んだら鳴りました。
詩: ありがとうございます。音がいちばん冬でした。
本: 図書館の 窓一枚の 小春かな
詩: 「一枚の」がいいですね。
旅: 終点の 駅に猫おり 冬の雲
料: 猫が駅長さんですか。
旅: 改札の横で寝ていました。
料: 湯豆腐や 言いそびれたる ことひとつ
詩: これは残る句です。
夜: 初めて作ります。 眠れぬ夜 冷蔵庫だけ 話しだす
詩: 無季ですが、好きです。冷蔵庫の声、聞こえます。
""",
    ),
    RoomTalk(
        "trips",
        "Trips in Japan",
        "Trains, paths, small inns. Questions welcome.",
        7.0,
        """
t: Three days, no plan, one rail pass. Where to?
旅: If it is late November, take the line through the gorge for the leaves.
t: Is it crowded?
旅: Before nine, no. After ten, very much.
c: You can rent a bicycle at the station, too. The river path is flat.
t: Flat is my favourite kind of path.
e: Take a warm jacket. The valley is cold in the morning.
旅: And buy the lunch box before you get on. They sell out.
t: Noted: early, warm, lunch box.
t: I went. The leaves were red on one side of the river only. Why?
写: The sun. That side gets it in the morning, and the nights are colder there.
t: So the river has a clock. I love that.
""",
    ),
    RoomTalk(
        "cycling",
        "自転車",
        "道、部品、坂。",
        3.0,
        """
c: 今日は川沿いを四十キロ。向かい風でした。
朝: 帰りは追い風でしたか？
c: 帰りも向かい風でした。風が回ったんです。
旅: 自転車あるあるですね。
新: 通勤で乗りはじめました。空気はどのくらい入れますか？
c: タイヤの横に書いてある数字の間で。週に一度は見てください。
新: 横を見たら本当に書いてありました。
c: 夜は前も後ろも明かりを。
新: 後ろの電池が切れていました。買ってきます。
c: それに気づけたのが今日の収穫です。
""",
    ),
)

WORDS: Final = """
あめ あり あさひ あき あし あじさい いか いす いぬ いちご いと いけ いわ うし うみ
うた うま うめ うちわ うさぎ えき えだ えのぐ えび おに おか おの おちば おりがみ かめ
かさ かき かに かめら かもめ かがみ かぜ きく きつね きのこ きって きた きもの くま
くつ くり くじら くも くさ けむり けいと けしき こま こめ こい こおり こたつ ことり
さくら さけ さる さかな さとう さい しか しお しまうま しろ しずく しおり すいか すし
すずめ すみれ すな すもも せみ せなか せき そら そり そば そと たこ たぬき たけ たいこ
たまご たき ちず ちち つき つくえ つる つばめ つえ てがみ てら てつ とり とけい となり
とびら なす なし なつ なみ なわ にわ にじ にもつ にく ぬの ぬま ねこ ねぎ ねずみ のり
のはら はし はな はね はしら はこ はと ひつじ ひまわり ひも ひる ひこうき ふね ふくろう
ふゆ ふすま へちま へや ほし ほたる ほうき まど まめ まつり まくら まつ みち みなと
みみ みそ みどり みかづき むし むぎ むら めだか めいろ めがね もも もり もち もみじ
やま やぎ やね ゆき ゆめ ゆび ゆか よる よこ らくだ らっぱ らっこ りす りか りくち
るす るり れきし れつ ろば ろうか ろうそく わに わし わた がちょう ぎんが ぐみ げた
ごま ごりら ざる じてんしゃ じしゃく じき ずし ぞう だるま でぐち どろ どうぐ ばら ばね
ばく びわ ぶた ぶどう べる ぼうし ぱせり ぴあの ぽすと
"""
"""Nouns for the long room, in which each one begins with the sign that the one before ended with (しりとり)."""
